//! Orders that come from outside and are carried out where plugins are changed: by the thread that reloads.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// Orders that wait at once: more are turned away.
const MOST: usize = 16;

/// Go back to the version of a plugin before the one that runs.
#[derive(Debug)]
pub(crate) struct Order {
    pub pipeline: String,
    pub plugin: String,
    /// What became of it, in one line. Nobody may listen any more.
    pub answer: oneshot::Sender<Result<String, String>>,
}

/// Orders that wait to be carried out.
#[derive(Debug, Default)]
pub(crate) struct Orders(Mutex<Vec<Order>>);

impl Orders {
    /// The answer comes when the order was carried out; at once if too many wait, or nobody carries out any.
    pub fn give(&self, pipeline: String, plugin: String) -> oneshot::Receiver<Result<String, String>> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push(Order { pipeline, plugin, answer });
        } else {
            let _ = answer.send(Err(format!("{MOST} orders wait already; look with `sluice status`, and ask again")));
        }
        answered
    }

    /// In the order in which they came.
    pub fn take(&self) -> Vec<Order> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_taken_once_and_bounded() {
        let orders = Orders::default();
        let mut answers: Vec<_> = (0..=MOST).map(|number| orders.give("ship".into(), number.to_string())).collect();
        let refused = answers.pop().unwrap().try_recv().unwrap().unwrap_err();
        assert!(refused.contains("16 orders wait already"), "{refused}");
        let taken = orders.take();
        assert_eq!(taken.iter().map(|order| order.plugin.as_str()).collect::<Vec<_>>()[..2], ["0", "1"]);
        assert_eq!((taken.len(), orders.take().len()), (MOST, 0));
        taken.into_iter().for_each(|order| drop(order.answer.send(Ok("done".into()))));
        assert_eq!(answers[0].try_recv().unwrap().unwrap(), "done");
    }
}

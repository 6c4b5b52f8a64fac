//! What the demo shows: one line a pipeline and second, and the balance at the end.

use super::sluice::{Books, Lag};

/// Rows between two headings.
const PAGE: u64 = 10;

#[derive(Default)]
pub(crate) struct Board {
    rows: u64,
    documents: u64,
}

impl Board {
    /// One look: seconds since the start, lines printed so far, the books of both pipelines, documents in the index.
    pub(crate) fn show(
        &mut self,
        second: u64,
        printed: u64,
        ship: Option<Books>,
        index: Option<Books>,
        documents: u64,
    ) {
        if self.rows.is_multiple_of(PAGE) {
            println!(
                "\n{:>5}  {:<8} {:>8} {:>12} {:>15} {:>10}",
                "", "pipeline", "read/s", "delivered/s", "lag", "in flight"
            );
        }
        self.rows += 1;
        let grown = documents.saturating_sub(self.documents);
        self.documents = documents;
        println!("{second:>3} s  {} {:>10} lines printed", row("ship", ship), thousands(printed));
        println!(
            "{:5}  {} {:>10} documents in the index (+{})",
            "",
            row("index", index),
            thousands(documents),
            thousands(grown)
        );
    }

    /// Something that happened, between the rows.
    pub(crate) fn event(&self, text: &str) {
        println!("\n>>> {text}\n");
    }
}

fn row(name: &str, books: Option<Books>) -> String {
    let Some(books) = books else { return format!("{name:<8} {:>8} {:>12} {:>15} {:>10}", "-", "-", "-", "-") };
    let lag = match books.lag {
        None => "-".to_owned(),
        Some(Lag::Bytes(bytes)) => format!("{} KiB", thousands(bytes.div_ceil(1024))),
        Some(Lag::Records(records)) => format!("{} messages", thousands(records)),
    };
    format!(
        "{name:<8} {:>8} {:>12} {lag:>15} {:>10}",
        thousands(books.read_per_s),
        thousands(books.delivered_per_s),
        thousands(books.in_flight)
    )
}

/// The books in one line.
pub(crate) fn sentence(books: &Books) -> String {
    let mut text = format!(
        "read {} = delivered {} + dropped {} + dead-lettered {} + in flight {}",
        thousands(books.read),
        thousands(books.delivered),
        thousands(books.dropped),
        thousands(books.dead_lettered),
        thousands(books.in_flight)
    );
    if books.expired > 0 {
        text.push_str(&format!("; expired {}", thousands(books.expired)));
    }
    text
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, expect) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), expect);
        }
    }
}

//! What lies between the plan that runs and the one that is wanted.

use crate::config::{Pipeline, Plan};

/// What has to be done about each pipeline, by name. Those that are alike are in none of the lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Gone, or to be started anew.
    pub stop: Vec<String>,
    /// New, or to be started anew from the saved positions.
    pub start: Vec<String>,
    /// Only the plugins are different: they are swapped while records flow.
    pub swap: Vec<String>,
    /// The admin port is another one, or there is none any more.
    pub admin: bool,
}

impl Difference {
    pub fn between(running: &Plan, wanted: &Plan) -> Self {
        // By name, so that a new key of the document has to be thought of here. The grace is only looked up, when a
        // stop begins, the folder for plugins whenever they are loaded, and that of crash bundles when one fails.
        let Plan { pipelines, dead_letter, grace_period: _, admin, crash_bundles: _, plugin_cache: _ } = wanted;
        let anew = running.dead_letter != *dead_letter;
        let mut difference = Self { admin: running.admin != *admin, ..Self::default() };
        for pipeline in pipelines {
            let name = || pipeline.name.clone();
            match running.pipelines.iter().find(|before| before.name == pipeline.name) {
                None => difference.start.push(name()),
                Some(before) if anew || !same_ends(before, pipeline) => difference.start.push(name()),
                Some(before) if before.plugins != pipeline.plugins => difference.swap.push(name()),
                Some(_) => {}
            }
        }
        let stays =
            |name: &String| pipelines.iter().any(|pipeline| pipeline.name == *name) && !difference.start.contains(name);
        let running = running.pipelines.iter().map(|pipeline| &pipeline.name);
        difference.stop = running.filter(|name| !stays(name)).cloned().collect();
        difference
    }
}

/// Whether nothing but plugins differs.
fn same_ends(before: &Pipeline, after: &Pipeline) -> bool {
    let Pipeline { name: _, source, plugins: _, sink } = after;
    before.source == *source && before.sink == *sink
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const RUNNING: &str = "
pipelines:
  ship:
    source: { files: { include: [/var/log/a.log], checkpoints: /var/lib/a } }
    plugins: [{ name: drop, component: /p/level-filter.wasm, config: { at_least: info } }]
    sink: { kafka: { brokers: [kafka:9092], topic: logs } }
  copy:
    source: { kafka: { brokers: [kafka:9092], group: copy, topics: [logs] } }
    sink: { kafka: { brokers: [kafka:9092], topic: copies } }
dead_letter: { kafka: { brokers: [kafka:9092], topic: dead } }
grace_period: 25s
";

    fn plan(text: &str) -> Plan {
        let checked = config::check(text, "sluice.yaml", &|_| None);
        checked.plan.unwrap_or_else(|| panic!("{:?}", checked.problems))
    }

    /// What is to be done after `from` was replaced by `to`: names to stop, to start and to swap.
    #[track_caller]
    fn check(from: &str, to: &str, [stop, start, swap]: [&[&str]; 3]) {
        let wanted = RUNNING.replace(from, to);
        assert!(from.is_empty() || wanted != RUNNING, "{from} is not in the document");
        let difference = Difference::between(&plan(RUNNING), &plan(&wanted));
        assert_eq!(
            (&*difference.stop, &*difference.start, &*difference.swap),
            (
                &*stop.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
                &*start.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
                &*swap.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
            ),
            "{from} → {to}"
        );
    }

    #[test]
    fn only_what_is_different_is_touched() {
        let (none, ship, copy, both): (&[&str], _, _, _) = (&[], &["ship"][..], &["copy"][..], &["ship", "copy"][..]);
        check("", "", [none, none, none]);
        check("at_least: info", "at_least: warn", [none, none, ship]);
        check("level-filter.wasm", "other.wasm", [none, none, ship]);
        check("name: drop,", "name: other,", [none, none, ship]);
        check("config: { at_least: info }", "config: { at_least: info }, on_fault: halt", [none, none, ship]);
        check("a.log", "b.log", [ship, ship, none]);
        check("topic: copies", "topic: other", [copy, copy, none]);
        check("group: copy", "group: other", [copy, copy, none]);
        check("  copy:", "  other:", [copy, &["other"], none]);
        check("topic: dead", "topic: other", [both, both, none]);
        check("grace_period: 25s", "grace_period: 5s", [none, none, none]);
    }

    #[test]
    fn the_order_of_pipelines_is_no_difference() {
        let (running, mut wanted) = (plan(RUNNING), plan(RUNNING));
        wanted.pipelines.reverse();
        assert_eq!(Difference::between(&running, &wanted), Difference::default());
    }

    #[test]
    fn an_admin_port_comes_moves_and_goes() {
        let with = |listen: &str| plan(&format!("{RUNNING}admin: {{ listen: {listen} }}\n"));
        let plans = [plan(RUNNING), with("127.0.0.1:9600"), with("127.0.0.1:9601")];
        for (from, running) in plans.iter().enumerate() {
            for (to, wanted) in plans.iter().enumerate() {
                let expect = Difference { admin: from != to, ..Difference::default() };
                assert_eq!(Difference::between(running, wanted), expect, "{from} → {to}");
            }
        }
    }
}

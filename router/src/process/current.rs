//! What runs now, and how it is changed without stopping what stays.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use sluice_wasm::{
    Plugin, Plugins,
    crash::Crashes,
    trial::{Reason, Trial},
};
use tracing::{error, info};

use super::{Fleet, Observed, View, difference::Difference, fleet::BUNDLES, news, versions::Versions};
use crate::{
    admin::{self, AdminServer},
    assemble::{Assembler, Assembly},
    config::{self, Plan},
    report,
};

/// The plan that runs and everything that it was made into.
pub(crate) struct Current {
    plan: Plan,
    /// In the order of the plan.
    assemblies: Vec<Arc<Assembly>>,
    /// By pipeline.
    versions: BTreeMap<String, Versions>,
    assembler: Assembler,
    admin: Option<AdminServer>,
    fleet: Arc<Fleet>,
    observed: Arc<Observed>,
    /// When something is written that the next process has to know; `None` if that is done.
    unwritten: Option<Instant>,
}

/// What became of a change that could be made.
pub(crate) enum Outcome {
    Runs,
    /// Pipelines were stopped and started for it, one failed for good, and what ran before was started again.
    TakenBack(String),
    /// Nothing was done: a file changed while it was read.
    Moved,
}

/// Plugins that are ready to take over.
struct Swap {
    assembly: Arc<Assembly>,
    /// What ran when it was prepared.
    seen: Plugins,
    /// What the files say.
    loaded: Vec<Arc<Plugin>>,
    /// What is to run.
    plugins: Vec<Arc<Plugin>>,
    trials: Vec<Trial>,
}

/// Attempts to put plugins in place of what changes meanwhile, as versions on trial are taken back at any moment.
const ATTEMPTS: usize = 5;
/// Before what could not be written is tried again.
const WRITE_AGAIN: Duration = Duration::from_secs(60);

impl Current {
    /// Starts every pipeline of `plan`.
    pub fn start(plan: Plan, fleet: Arc<Fleet>, observed: Arc<Observed>) -> Result<Self> {
        // First of all, so that whoever asks hears that the rest is on its way.
        let admin = listen(&plan, &observed)?;
        let mut assembler = Assembler::new()?;
        assembler.shelf.set_crash_bundles(plan.crash_bundles.as_ref());
        let (mut assemblies, mut versions) = (Vec::new(), BTreeMap::new());
        // What could not start may have left a bundle, which the error names.
        let begun = assembler.begin(&plan).inspect_err(|_| assembler.shelf.crashes().finish(BUNDLES));
        for (assembly, begun) in begun? {
            versions.insert(assembly.name.clone(), Versions::begin(begun, Instant::now()));
            assemblies.push(Arc::new(assembly));
        }
        let mut current = Self { plan, assemblies, versions, assembler, admin, fleet, observed, unwritten: None };
        current.tidy();
        current.show();
        current.assemblies.iter().try_for_each(|assembly| current.fleet.start(assembly))?;
        Ok(current)
    }

    /// Who writes the bundles of faults.
    pub fn crashes(&self) -> &Arc<Crashes> {
        self.assembler.shelf.crashes()
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Makes `wanted` what runs. Everything is made before anything is stopped, and what was stopped is started again if
    /// what takes its place cannot run. After an error nothing was stopped. `is_still` says whether what was read until
    /// now belongs together.
    pub fn change(&mut self, wanted: &Plan, is_still: impl Fn() -> bool) -> Result<Outcome> {
        let outcome = self.make(wanted, is_still);
        // Whatever it was: what was made in vain is let go of.
        self.tidy();
        outcome
    }

    fn make(&mut self, wanted: &Plan, is_still: impl Fn() -> bool) -> Result<Outcome> {
        let difference = Difference::between(&self.plan, wanted);
        let versions = &self.versions;
        let refused = |name: &str| versions.get(name).map(Versions::refused).unwrap_or_default();
        let fresh =
            self.assembler.assemble(wanted, |name| difference.start.iter().any(|start| start == name), &refused)?;
        let swapped = wanted.pipelines.iter().filter(|pipeline| difference.swap.contains(&pipeline.name));
        let swaps = swapped.map(|pipeline| Ok((pipeline, self.prepare(pipeline)?))).collect::<Result<Vec<_>>>()?;
        if !is_still() {
            return Ok(Outcome::Moved);
        }
        if difference.admin {
            self.rebind(wanted)?;
        }
        if let Some(refused) = self.replace(&difference, fresh, wanted)? {
            if difference.admin {
                self.admin = None;
                self.bind_back();
            }
            return Ok(Outcome::TakenBack(refused));
        }
        swaps.into_iter().try_for_each(|(pipeline, swap)| self.install(pipeline, swap).map(drop))?;
        Ok(Outcome::Runs)
    }

    /// Looks whether the components of a pipeline are other ones than those that run, and lets them take over. True
    /// if something took over; nothing if a file changed while it was read; after an error all is as it was.
    pub fn refresh(&mut self, pipeline: &config::Pipeline, is_still: impl Fn() -> bool) -> Result<Option<bool>> {
        let prepared = self.prepare(pipeline);
        let changed = prepared.and_then(|swap| is_still().then(|| self.install(pipeline, swap)).transpose());
        self.tidy();
        changed
    }

    /// Lets the plugins take over; false if they are those that run. If others run by now than when they were prepared,
    /// they are prepared again.
    fn install(&mut self, pipeline: &config::Pipeline, mut swap: Swap) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            if let Some(changed) = swap.take_over()? {
                let versions = self.versions.entry(pipeline.name.clone()).or_default();
                versions.took_over(&pipeline.plugins, &swap.loaded, Instant::now());
                swap.assembly.stand_ins.set(Vec::new());
                return Ok(changed);
            }
            self.settle();
            swap = self.prepare(pipeline)?;
        }
        bail!("pipeline {}: its plugins change all the time; nothing was changed", pipeline.name)
    }

    /// Takes back what does not keep to its bounds, and tells what was taken back. Call it now and then.
    pub fn settle(&mut self) {
        let now = Instant::now();
        for assembly in &self.assemblies {
            assembly.lineup.look(now);
            let Some(versions) = self.versions.get_mut(&assembly.name) else { continue };
            let rollbacks = assembly.lineup.rollbacks().into_iter().filter(|rollback| versions.rolled_back(rollback));
            let rollbacks: Vec<_> = rollbacks.collect();
            rollbacks.iter().for_each(|rollback| news::rolled_back(&assembly.name, rollback));
            // What holds records back has not kept to anything, however long it does.
            let is_proven = assembly.lineup.halted().is_none() && versions.prove(now);
            if is_proven || !rollbacks.is_empty() {
                self.unwritten = Some(now);
            }
        }
        if self.unwritten.is_some_and(|at| at <= now) {
            self.remember();
        }
    }

    /// What the next process has to know. Written where it is different from what is written already.
    fn remember(&mut self) {
        self.unwritten = None;
        let Some(store) = self.assembler.shelf.store_mut() else { return };
        for (pipeline, versions) in &self.versions {
            if !store.remember(pipeline, versions.remembered()) {
                self.unwritten = Some(Instant::now() + WRITE_AGAIN);
            }
        }
    }

    /// Puts the version before in the place of the one that runs, on somebody's order. Says what runs now, or why
    /// nothing was done.
    pub fn roll_back(&mut self, pipeline: &str, plugin: &str) -> Result<String> {
        self.settle();
        let (Some(assembly), Some(versions)) =
            (self.assemblies.iter().find(|assembly| assembly.name == pipeline), self.versions.get(pipeline))
        else {
            let names: Vec<&str> = self.assemblies.iter().map(|assembly| &*assembly.name).collect();
            bail!("there is no pipeline {pipeline}; there are {}", names.join(", "));
        };
        let Some((from, before)) = versions.before(plugin) else {
            let plugins = assembly.lineup.current();
            let names: Vec<&str> = plugins.iter().map(|plugin| plugin.name()).collect();
            bail!("pipeline {pipeline} has no plugin {plugin}; it has {}", names.join(", "));
        };
        let Some(to) = before else {
            bail!(
                "plugin {plugin} of pipeline {pipeline} has no version to go back to: none was replaced since the process \
                 started, it was gone back to already, or the config does not allow it any more; change its config or its component file"
            );
        };
        if !assembly.lineup.roll_back(&from, &to, Reason::Order, "as ordered".into())? {
            bail!("plugin {plugin} of pipeline {pipeline} was replaced at this moment; look with `sluice status`");
        }
        self.settle();
        let (from, to) = (from.component().digest, to.component().digest);
        Ok(format!("plugin {plugin} of pipeline {pipeline} runs {to} again, in place of {from}"))
    }

    /// Compiles and configures the plugins that `wanted` has and the running pipeline of its name has not.
    fn prepare(&mut self, wanted: &config::Pipeline) -> Result<Swap> {
        let name = &wanted.name;
        let place = || format!("pipeline {name}");
        let assembly = self.assemblies.iter().find(|assembly| assembly.name == *name);
        let (assembly, versions) =
            assembly.zip(self.versions.get(name)).with_context(|| format!("there is no pipeline {name}"))?;
        let seen = assembly.lineup.current();
        let loaded = self.assembler.shelf.load(wanted, &versions.known()).with_context(place)?;
        let plugins = versions.choose(&loaded);
        assembly.check(&plugins).with_context(place)?;
        let trials = versions.trials(&wanted.plugins, &plugins, Instant::now());
        Ok(Swap { assembly: assembly.clone(), seen, loaded, plugins, trials })
    }

    /// Listens where the plan that runs says, if nothing does yet. Call it now and then: a change that was refused or
    /// taken back may have lost the port to another process, and nobody would hear of this one until it is had again.
    pub fn bind(&mut self) -> Result<()> {
        if self.admin.is_none() {
            self.admin = listen(&self.plan, &self.observed)?;
        }
        Ok(())
    }

    /// Listens where `wanted` says. After an error the plan that runs holds, if its port can be had.
    fn rebind(&mut self, wanted: &Plan) -> Result<()> {
        let port = |plan: &Plan| plan.admin.as_ref().map(|admin| admin.listen.port());
        if port(&self.plan) == port(wanted) {
            // The old listener may be what stands in the way of the new one.
            self.admin = None;
        }
        match listen(wanted, &self.observed) {
            Ok(admin) => self.admin = admin,
            Err(error) => {
                self.bind_back();
                return Err(error);
            }
        }
        Ok(())
    }

    /// What runs goes on without its admin port rather than not at all.
    fn bind_back(&mut self) {
        if let Err(error) = self.bind() {
            error!("{error:#}; it is tried again");
        }
    }

    /// Stops and starts pipelines, and makes `wanted` the plan that runs; or takes that back, and says why. What cannot
    /// be undone ends the process, in order.
    fn replace(&mut self, difference: &Difference, fresh: Vec<Assembly>, wanted: &Plan) -> Result<Option<String>> {
        for pipeline in &difference.stop {
            info!(pipeline, anew = difference.start.contains(pipeline), "stopping, as its config changed");
        }
        let of_name = |assemblies: &[Arc<Assembly>], name: &str| {
            assemblies.iter().find(|assembly| assembly.name == name).cloned()
        };
        let fresh = fresh.into_iter().map(|assembly| match of_name(&self.assemblies, &assembly.name) {
            Some(before) => Arc::new(assembly.continuing(&before)),
            None => Arc::new(assembly),
        });
        let mut now: Vec<Arc<Assembly>> = fresh.collect();
        let (stopped, stay): (Vec<_>, Vec<_>) =
            self.assemblies.iter().cloned().partition(|assembly| difference.stop.contains(&assembly.name));
        match self.fleet.replace(&difference.stop, &now, &stopped) {
            Ok(None) => {}
            Ok(Some(refused)) => return Ok(Some(refused)),
            Err(error) => {
                self.fleet.fail(format!("{error:#}"));
                return Err(error);
            }
        }
        now.extend(stay);
        for gone in stopped.iter().filter(|assembly| of_name(&now, &assembly.name).is_none()) {
            report::close(&View::of(gone));
        }
        self.fleet.set_grace(wanted.grace_period);
        self.plan = wanted.clone();
        self.assembler.shelf.set_crash_bundles(self.plan.crash_bundles.as_ref());
        self.assembler.shelf.keep_in(self.plan.plugin_cache.as_deref());
        self.assemblies = self.plan.pipelines.iter().filter_map(|pipeline| of_name(&now, &pipeline.name)).collect();
        self.versions.retain(|name, _| of_name(&now, name).is_some());
        for (pipeline, assembly) in self.plan.pipelines.iter().zip(&self.assemblies) {
            if difference.start.contains(&pipeline.name) {
                let versions = self.versions.entry(pipeline.name.clone()).or_default();
                versions.took_over(&pipeline.plugins, &assembly.loaded, Instant::now());
            }
        }
        self.show();
        Ok(None)
    }

    fn show(&self) {
        self.observed.set_pipelines(self.assemblies.iter().map(|assembly| View::of(assembly)));
    }

    /// Lets go of components that nothing runs any more.
    fn tidy(&mut self) {
        let held: Vec<_> = self.versions.values().flat_map(Versions::held).collect();
        self.assembler.shelf.keep_components(&held);
        self.remember();
        self.assembler.shelf.keep(&held);
    }
}

impl Swap {
    /// Puts the plugins in place, between two batches; false if they are the ones that run, and nothing if others run
    /// than when they were prepared.
    fn take_over(&self) -> Result<Option<bool>> {
        let before = &self.seen;
        let same = before.len() == self.plugins.len()
            && before.iter().zip(&self.plugins).all(|(before, after)| Arc::ptr_eq(before, after));
        if same {
            return Ok(Some(false));
        }
        if !self.assembly.lineup.try_out(before, self.plugins.clone(), self.trials.clone())? {
            return Ok(None);
        }
        news::swapped(&self.assembly.name, before, &self.plugins);
        Ok(Some(true))
    }
}

fn listen(plan: &Plan, observed: &Arc<Observed>) -> Result<Option<AdminServer>> {
    plan.admin.as_ref().map(|admin| admin::start(admin.listen, observed.clone())).transpose()
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
        time::Duration,
    };

    use super::*;

    fn plan(listen: SocketAddr) -> Plan {
        let admin = Some(config::Admin { listen });
        Plan {
            pipelines: vec![],
            dead_letter: None,
            grace_period: Duration::from_secs(5),
            crash_bundles: None,
            admin,
            plugin_cache: None,
        }
    }

    #[test]
    fn an_admin_port_that_cannot_be_had_is_bound_again_when_it_can() {
        let (first, second) = (Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 0, 2));
        // The same port on two addresses: the old listener makes way for the new one.
        let taken = TcpListener::bind((second, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let before = plan((first, port).into());
        let wanted = plan((second, port).into());
        let observed = Arc::<Observed>::default();
        let fleet = Fleet::new(before.grace_period, observed.clone());
        let mut current = Current::start(before.clone(), fleet, observed).unwrap();
        let refused = |current: &mut Current| {
            let error = current.change(&wanted, || true).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(&format!("cannot listen on 127.0.0.2:{port}")), "{error}");
            assert!(*current.plan() == before);
        };

        refused(&mut current);
        assert!(TcpStream::connect((first, port)).is_ok(), "the old address is bound again");

        // Another process was faster.
        current.admin = None;
        let other = TcpListener::bind((first, port)).unwrap();
        refused(&mut current);
        assert!(current.admin.is_none() && current.bind().is_err());
        drop(other);
        current.bind().unwrap();
        assert!(current.admin.is_some() && TcpStream::connect((first, port)).is_ok());

        drop(taken);
        assert!(matches!(current.change(&wanted, || true), Ok(Outcome::Runs)));
        assert!(TcpStream::connect((second, port)).is_ok() && TcpStream::connect((first, port)).is_err());
    }
}

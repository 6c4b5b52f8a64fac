//! What runs now, and how it is changed without stopping what stays.

use std::sync::Arc;

use anyhow::{Context, Result};
use sluice_wasm::Plugin;
use tracing::{error, info};

use super::{Fleet, Observed, View, difference::Difference};
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
    assembler: Assembler,
    admin: Option<AdminServer>,
    fleet: Arc<Fleet>,
    observed: Arc<Observed>,
}

/// What became of a change that could be made.
pub(crate) enum Outcome {
    Runs,
    /// Pipelines were stopped and started for it, one failed for good, and what ran before was started again.
    TakenBack(String),
}

/// Plugins that are ready to take over.
struct Swap {
    assembly: Arc<Assembly>,
    plugins: Vec<Arc<Plugin>>,
}

impl Current {
    /// Starts every pipeline of `plan`.
    pub fn start(plan: Plan, fleet: Arc<Fleet>, observed: Arc<Observed>) -> Result<Self> {
        // First of all, so that whoever asks hears that the rest is on its way.
        let admin = listen(&plan, &observed)?;
        let mut assembler = Assembler::new()?;
        let assemblies = assembler.assemble(&plan, |_| true)?.into_iter().map(Arc::new).collect();
        let current = Self { plan, assemblies, assembler, admin, fleet, observed };
        current.show();
        current.assemblies.iter().try_for_each(|assembly| current.fleet.start(assembly))?;
        Ok(current)
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Makes `wanted` what runs. Everything is made before anything is stopped, and what was stopped is started again if
    /// what takes its place cannot run. After an error nothing was stopped.
    pub fn change(&mut self, wanted: &Plan) -> Result<Outcome> {
        let difference = Difference::between(&self.plan, wanted);
        let fresh = self.assembler.assemble(wanted, |name| difference.start.iter().any(|start| start == name))?;
        let swapped = wanted.pipelines.iter().filter(|pipeline| difference.swap.contains(&pipeline.name));
        let swaps = swapped.map(|pipeline| self.prepare(pipeline)).collect::<Result<Vec<_>>>()?;
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
        swaps.into_iter().try_for_each(|swap| swap.take_over().map(drop))?;
        self.tidy();
        Ok(Outcome::Runs)
    }

    /// Looks whether the components of a pipeline are other ones than those that run, and lets them take over. True
    /// if something took over; after an error all is as it was.
    pub fn refresh(&mut self, pipeline: &config::Pipeline) -> Result<bool> {
        let swap = self.prepare(pipeline)?;
        let changed = swap.take_over()?;
        self.tidy();
        Ok(changed)
    }

    /// Compiles and configures the plugins that `wanted` has and the running pipeline of its name has not.
    fn prepare(&mut self, wanted: &config::Pipeline) -> Result<Swap> {
        let name = &wanted.name;
        let place = || format!("pipeline {name}");
        let of_plan = self.plan.pipelines.iter().find(|pipeline| pipeline.name == *name);
        let assembly = self.assemblies.iter().find(|assembly| assembly.name == *name);
        let (of_plan, assembly) = of_plan.zip(assembly).with_context(|| format!("there is no pipeline {name}"))?;
        let plugins = assembly.lineup.current();
        let running: Vec<_> = of_plan.plugins.iter().cloned().zip(plugins.iter().cloned()).collect();
        let plugins = self.assembler.shelf.load(wanted, &running).with_context(place)?;
        assembly.check(&plugins).with_context(place)?;
        Ok(Swap { assembly: assembly.clone(), plugins })
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
        self.assemblies = self.plan.pipelines.iter().filter_map(|pipeline| of_name(&now, &pipeline.name)).collect();
        self.show();
        Ok(None)
    }

    fn show(&self) {
        self.observed.set_pipelines(self.assemblies.iter().map(|assembly| View::of(assembly)));
    }

    /// Lets go of components that nothing runs any more.
    fn tidy(&mut self) {
        let running = self.assemblies.iter().flat_map(|assembly| assembly.lineup.current().to_vec());
        self.assembler.shelf.keep(running);
    }
}

impl Swap {
    /// Puts the plugins in place, between two batches; false if they are the ones that run.
    fn take_over(self) -> Result<bool> {
        let before = self.assembly.lineup.current();
        let same = before.len() == self.plugins.len()
            && before.iter().zip(&self.plugins).all(|(before, after)| Arc::ptr_eq(before, after));
        if same {
            return Ok(false);
        }
        self.assembly.lineup.replace(self.plugins.clone())?;
        tell(&self.assembly.name, &before, &self.plugins);
        Ok(true)
    }
}

fn listen(plan: &Plan, observed: &Arc<Observed>) -> Result<Option<AdminServer>> {
    plan.admin.as_ref().map(|admin| admin::start(admin.listen, observed.clone())).transpose()
}

fn tell(pipeline: &str, before: &[Arc<Plugin>], after: &[Arc<Plugin>]) {
    let of_name = |plugins: &[Arc<Plugin>], name: &str| plugins.iter().find(|plugin| plugin.name() == name).cloned();
    for plugin in after {
        let (name, to) = (plugin.name(), plugin.component().digest);
        match of_name(before, name) {
            None => info!(pipeline, plugin = name, digest = %to, "plugin added"),
            Some(old) if Arc::ptr_eq(&old, plugin) => {}
            Some(old) => {
                let from = old.component().digest;
                let what = if from == to {
                    "another config of the plugin took over"
                } else {
                    "another component of the plugin took over"
                };
                info!(pipeline, plugin = name, %from, %to, "{what}");
            }
        }
    }
    for plugin in before.iter().filter(|plugin| of_name(after, plugin.name()).is_none()) {
        info!(pipeline, plugin = plugin.name(), "plugin removed");
    }
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
        Plan { pipelines: vec![], dead_letter: None, grace_period: Duration::from_secs(5), admin }
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
            let error = current.change(&wanted).map(|_| ()).unwrap_err().to_string();
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
        assert!(matches!(current.change(&wanted), Ok(Outcome::Runs)));
        assert!(TcpStream::connect((second, port)).is_ok() && TcpStream::connect((first, port)).is_err());
    }
}

//! The printed report, and whether the run was valid.

use std::fmt::Display;
use std::process::Command;

use crate::scale::Scale;

#[derive(Default)]
pub struct Report {
    missed: Vec<String>,
    voided: Vec<String>,
}

/// The goal of a figure.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    pub fn conditions(&self, scale: &Scale) {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or("unknown");
        let kernel = Command::new("uname").arg("-sr").output();
        let kernel =
            kernel.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
        println!("scale {}, {cpus} processors, {kernel}, load {load} before the run", scale.name);
    }

    pub fn section(&self, title: &str) {
        println!("\n{title}");
    }

    pub fn line(&self, name: &str, value: impl Display) {
        println!("  {name:<46} {value}");
    }

    /// A figure with a goal.
    pub fn figure(&mut self, name: &str, value: f64, unit: &str, bar: Bar) {
        let (met, words) = match bar {
            Bar::AtLeast(bar) => (value >= bar, format!("at least {bar}")),
            Bar::AtMost(bar) => (value <= bar, format!("at most {bar}")),
        };
        let shown = if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        let mark = if met { "met" } else { "MISSED" };
        self.line(name, format!("{shown}{unit}   ({words}: {mark})"));
        if !met {
            self.missed.push(format!("{name}: {shown}{unit}, {words}"));
        }
    }

    /// Marks the run as void: something was lost, duplicated, reordered or altered.
    pub fn void(&mut self, why: impl Display) {
        println!("  VOID: {why}");
        self.voided.push(why.to_string());
    }

    pub fn is_whole(&self) -> bool {
        self.voided.is_empty()
    }

    pub fn verdict(&self) {
        println!();
        for (what, list) in [("bar missed", &self.missed), ("VOID", &self.voided)] {
            for one in list {
                println!("{what}: {one}");
            }
        }
        if self.missed.is_empty() && self.voided.is_empty() {
            println!("every bar is met");
        }
    }
}

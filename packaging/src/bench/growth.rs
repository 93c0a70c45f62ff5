//! How cost *grows*: the same question at several sizes. Flat or linear is what is wanted; what stands beside each
//! size is its ratio to the smallest.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};

use super::measure::{self, Runner};
use super::packing::Pack;
use super::{Arena, Contest, Side, Unit, logs, machine};
use crate::payload::Role;

/// The questions of this file.
pub fn contests() -> Vec<Contest> {
    vec![
        Contest {
            name: "growth of ductor service logs -n 50, by the size of the file",
            unit: Unit::Seconds,
            goal: "flat",
            why: "A file of 10 GiB is a hole with 2 GiB of lines behind it: nobody reads what is before them.",
            run: by_log,
        },
        Contest {
            name: "growth of ductor service status, by the units of the user",
            unit: Unit::Seconds,
            goal: "as the one call it needs",
            why: "",
            run: by_units,
        },
        Contest {
            name: "growth of packing a deb, by the size of the program",
            unit: Unit::Seconds,
            goal: "linear",
            why: "No two pieces of the larger ones are alike to a compressor.",
            run: by_payload,
        },
        Contest {
            name: "growth of packing debs, by the number of targets",
            unit: Unit::Seconds,
            goal: "linear",
            why: "All targets at once, on all processors.",
            run: by_targets,
        },
    ]
}

fn by_log(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let mut sides = Vec::new();
    for (name, size) in [("1 MiB", 1 << 20), ("64 MiB", 64 << 20), ("2 GiB", 2 << 30), ("10 GiB", 10 << 30)] {
        let home = tempfile::tempdir()?;
        logs::write(home.path(), size)?;
        sides.extend(measure::commands(rounds, vec![logs::ours(arena, home.path()).called(name)])?);
    }
    Ok(sides.into_iter().map(Side::ours).collect())
}

fn by_units(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let machine = machine::with_service(arena)?;
    let mut sides = Vec::new();
    for count in [1, 100, 1000] {
        let make = "mkdir -p ~/.config/systemd/user; for i in $(seq \"$1\"); do \
                    printf '[Service]\\nExecStart=/bin/true\\n' >~/.config/systemd/user/other-$i.service; done; \
                    systemctl --user daemon-reload";
        machine.run("alice", &["sh", "-c", make, "sh", &count.to_string()])?.ok()?;
        let ours = format!("beside {count} more: ductor service status");
        let theirs = format!("beside {count} more: systemctl --user show");
        sides.extend(machine::time(
            &machine,
            rounds,
            &[
                machine::side(&ours, &[machine::OURS, "service", "status"]),
                machine::side(&theirs, &["systemctl", "--user", "show", "ductor.service"]),
            ],
        )?);
    }
    Ok(sides.into_iter().map(Side::ours).collect())
}

/// As many at a time as `dist` packs.
fn by_targets(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let pack = Pack::of(arena)?;
    let format = pack.formats().find(|it| it.name == "deb").context("no deb is made here")?;
    let some = |count: usize| {
        std::thread::scope(|scope| {
            let pack = &pack;
            let one = |_| scope.spawn(move || (format.pack)(&pack.release, &pack.fresh()));
            let all: Vec<_> = (0..count).map(one).collect();
            all.into_iter().try_for_each(|it| it.join().map_or(Ok(()), |packed| packed.map(drop)))
        })?;
        Ok(0)
    };
    let side = |count: usize| Runner::work(format!("targets: {count}"), move || some(count));
    let sides = measure::commands(rounds.min(1), [1, 3, 8].map(side).into())?;
    Ok(sides.into_iter().map(Side::ours).collect())
}

/// The program, and behind it so much of the same again that no two pieces are alike to a compressor.
fn by_payload(arena: &Arena, rounds: usize) -> Result<Vec<Side>> {
    let mut pack = Pack::of(arena)?;
    let format = pack.formats().find(|it| it.name == "deb").context("no deb is made here")?;
    let program = fs::read(&arena.program)?;
    let mut sides = Vec::new();
    for mebibytes in [2_usize, 10, 100] {
        let piece = |at: usize| u8::try_from(at / program.len() % 251).unwrap_or(0);
        let bytes: Vec<u8> =
            (0..mebibytes << 20).map(|at| program[at % program.len()].wrapping_add(piece(at))).collect();
        let file = pack.payload.files.iter_mut().find(|file| file.role == Role::Program);
        file.context("no program")?.bytes = bytes;
        let (mut figures, mut size) = (Vec::new(), 0);
        for _ in 0..rounds.min(1) {
            let payload = pack.fresh();
            let start = Instant::now();
            size = (format.pack)(&pack.release, &payload)?.len();
            figures.push(start.elapsed().as_secs_f64());
        }
        let note = Some(format!("{size} bytes"));
        sides.push(Side { note, ..Side::new(format!("{mebibytes} MiB"), figures).ours() });
    }
    Ok(sides)
}

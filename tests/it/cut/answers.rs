//! The same commands where a program of the manager fails, or does nothing and says that it did, at each of its calls.

use super::*;

/// Calls that only ask.
const QUESTIONS: [&str; 8] =
    ["show", "print", "print-disabled", "list", "version", "/Query", "/user", "/groups"];

/// Has each call of the command fail, and each kind of change be a lie, under each of the managers.
fn everywhere(what: &str, begin: &Begin, act: &Act) {
    each(&MACHINES, |new| Cut::new(new, begin, act).at_every_call(what));
}

impl Cut<'_> {
    #[allow(clippy::print_stdout, reason = "the number is part of what this test shows")]
    fn at_every_call(&self, what: &str) {
        let machine = self.machine();
        machine.state().remove("calls");
        Said::of(&mut (self.act)(&*machine)).ended(0);
        let calls = machine.state().get("calls").unwrap();
        let verbs: Vec<&str> = calls.lines().filter_map(|call| call.split(' ').nth(1)).collect();
        let is_change = |verb: &&&str| !QUESTIONS.contains(*verb) && !verb.starts_with("--");
        let mut lies: Vec<&str> = verbs.iter().filter(is_change).copied().collect();
        // How often it looks whether it is up differs from run to run: what is after the last change is one more look.
        let count = verbs.iter().rposition(|verb| lies.contains(verb)).unwrap() + 2;
        lies.sort_unstable();
        lies.dedup();
        let failed = AtomicUsize::new(0);
        while_there_are(|number| {
            let orders = [("fail-at", number.to_string())];
            let lie = lies.get(number - 1).map(|verb| ("lie-at", (*verb).to_owned()));
            for (order, which) in orders.into_iter().filter(|_| number <= count).chain(lie) {
                failed.fetch_add(usize::from(self.answer_is(order, &which)), Ordering::Relaxed);
            }
            number < count.max(lies.len())
        });
        let (manager, failed, lies) = (self.before.manager(), failed.into_inner(), lies.len());
        println!("{manager}, {what}: {count} calls failed and {lies} lied, {failed} times it was refused");
        assert!(failed > 0, "{manager}, {what}");
    }

    /// Whether the command fails where this call does; then everything is as before, or the command had done its part.
    fn answer_is(&self, order: &str, which: &str) -> bool {
        let machine = self.machine();
        machine.state().remove("calls");
        machine.state().set(order, which).unwrap();
        let said = Said::of(&mut (self.act)(&*machine));
        machine.state().remove(order);
        let calls = machine.state().get("calls").unwrap();
        let told = format!("{order} {which} of\n{calls}\n{:?}: {}{}", said.code, said.out, said.err);
        let failed = said.code != Some(0);
        if failed && order == "fail-at" {
            Picture::wait_for_one(&[&self.before, &self.after], &*machine, &told);
        } else if !said.err.contains(LINGER) {
            // A lie may be found out too late, and where nobody can be asked a part is left. It is told, and the same
            // again does it.
            if failed || said.err.contains("warning: ") || said.out.contains(" Fix: ") {
                Said::of(&mut (self.act)(&*machine)).ended(0);
            }
            self.after.wait_for(&*machine, &told);
        }
        failed
    }
}

#[test]
fn case_36_a_first_install_in_which_a_call_fails_is_there_or_not() {
    everywhere("first install", &|_| {}, &install);
}

#[test]
fn case_36_an_install_over_another_in_which_a_call_fails_is_the_old_or_the_new_one() {
    everywhere("install over another", &install_other, &install);
}

#[test]
fn case_36_an_install_over_one_that_is_switched_off_in_which_a_call_fails_is_done_or_not() {
    everywhere("install over one switched off", &switched_off, &install);
}

#[test]
fn case_36_an_uninstall_in_which_a_call_fails_is_done_or_not() {
    everywhere("uninstall", &installed, &service("uninstall"));
}

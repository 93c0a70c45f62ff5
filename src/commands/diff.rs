//! A *diff*: how one small text becomes another, line by line, in the unified form that diff(1) writes and patch(1)
//! reads. For definitions, which have a hundred lines at most.

use std::fmt::Write as _;
use std::ops::Range;

/// Lines that stay the same are shown around those that do not.
const CONTEXT: usize = 3;

/// What stays (` `), goes (`-`) or is new (`+`).
type Edit<'a> = (char, &'a str);

/// The diff of the text that is at `path` now and the one that it would get. Empty where no line differs.
pub fn unified(path: &str, old: &str, new: &str) -> String {
    let edits = edits(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    let hunks = hunks(&edits);
    let mut text = String::new();
    if !hunks.is_empty() {
        text = format!("--- {path}\n+++ {path}\n");
    }
    for hunk in hunks {
        let [old, new] = ['+', '-'].map(|other| {
            let lines = |edits: &[Edit<'_>]| edits.iter().filter(|(tag, _)| *tag != other).count();
            let (before, length) = (lines(&edits[..hunk.start]), lines(&edits[hunk.clone()]));
            format!("{},{length}", before + usize::from(length > 0))
        });
        let _never_fails = writeln!(text, "@@ -{old} +{new} @@");
        for (tag, line) in &edits[hunk] {
            let _never_fails = writeln!(text, "{tag}{line}");
        }
    }
    text
}

/// The shortest way from one to the other: what both have in the same order, as much as can be, stays.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit<'a>> {
    // How many lines can stay of those from `i` on and from `j` on.
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = match old[i] == new[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut edits) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            edits.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            edits.push(('-', old[i]));
            i += 1;
        } else {
            edits.push(('+', new[j]));
            j += 1;
        }
    }
    edits
}

/// The parts with a change, each with its context; those that touch are one.
fn hunks(edits: &[Edit<'_>]) -> Vec<Range<usize>> {
    let mut hunks: Vec<Range<usize>> = Vec::new();
    for (at, _) in edits.iter().enumerate().filter(|(_, (tag, _))| *tag != ' ') {
        let (start, end) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(edits.len()));
        match hunks.last_mut().filter(|last| start <= last.end) {
            Some(last) => last.end = end,
            None => hunks.push(start..end),
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_the_lines_around_it() {
        let old = "a\nb\nc\nd\nRestartSec=9\nf\ng\nh\ni\nj\nk\nl\nm\nNice=3\n";
        let new = "a\nb\nc\nd\nRestartSec=5\nf\ng\nh\ni\nj\nk\nl\nm\n";
        assert_eq!(
            unified("/u/x", old, new),
            "--- /u/x\n+++ /u/x\n\
             @@ -2,7 +2,7 @@\n b\n c\n d\n-RestartSec=9\n+RestartSec=5\n f\n g\n h\n\
             @@ -11,4 +11,3 @@\n k\n l\n m\n-Nice=3\n"
        );
        assert_eq!(unified("x", "a\n", "a\n"), "");
        assert_eq!(unified("x", "", "a\n"), "--- x\n+++ x\n@@ -0,0 +1,1 @@\n+a\n");
    }

    proptest::proptest! {
        #[test]
        fn what_stays_and_goes_is_the_old_and_what_stays_and_comes_is_the_new(
            old in "([abc]\n){0,9}", new in "([abc]\n){0,9}",
        ) {
            let edits = edits(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
            let without = |other: char| -> String {
                edits.iter().filter(|(tag, _)| *tag != other).map(|(_, line)| format!("{line}\n")).collect()
            };
            proptest::prop_assert_eq!((without('+'), without('-')), (old, new));
        }
    }
}

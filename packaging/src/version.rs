//! How a version is written in each format, so that a pre-release sorts before its release there too.

use semver::Version;

/// In Debian's packages: 1.2.3-rc.1 is `1.2.3~rc.1`, without the revision. A tilde sorts before everything,
/// even the end (deb-version(7)).
pub fn deb(version: &Version) -> String {
    version.to_string().replacen('-', "~", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pre_release_gets_a_tilde() {
        let deb = |version: &str| deb(&version.parse().unwrap());
        assert_eq!(deb("1.2.3"), "1.2.3");
        assert_eq!(deb("1.2.3-rc.1"), "1.2.3~rc.1");
        assert_eq!(deb("1.2.3-rc-1+g0"), "1.2.3~rc-1+g0");
    }
}

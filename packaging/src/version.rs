//! How a version is written in each format, so that a pre-release sorts before its release there too.

use semver::Version;

/// In Debian's packages: 1.2.3-rc.1 is `1.2.3~rc.1`, without the revision. A tilde sorts before everything,
/// even the end (deb-version(7)).
pub fn deb(version: &Version) -> String {
    version.to_string().replacen('-', "~", 1)
}

/// In rpm's packages: as Debian has it (rpm-version(7)), but a further dash would end the version.
pub fn rpm(version: &Version) -> String {
    deb(version).replace('-', "_")
}

/// In Arch's packages: 1.2.3-rc.1 is `1.2.3rc.1`, for there letters after a number sort before its end
/// (vercmp(8)). A further dash would end the version (PKGBUILD(5)).
pub fn arch(version: &Version) -> String {
    version.to_string().replacen('-', "", 1).replace('-', "_")
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

    #[test]
    fn no_dash_is_left_where_it_would_end_the_version() {
        let version: Version = "1.2.3-rc-1".parse().unwrap();
        assert_eq!((rpm(&version), arch(&version)), ("1.2.3~rc_1".into(), "1.2.3rc_1".into()));
        assert_eq!(arch(&"1.2.3-rc.1".parse().unwrap()), "1.2.3rc.1");
    }
}

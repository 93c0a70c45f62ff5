//! A mirror that means harm: what it sends is refused, or leads nowhere, whatever it is signed by.

use anyhow::{Context, Result, ensure};
use xtask::lab::wait_for;

use crate::installer::{ASIDE, next};
use crate::web::{THIS, Web, program};
use crate::world::PATIENCE;

crate::tests![
    an_archive_leads_nowhere_out_of_its_folder,
    an_older_release_is_not_installed_over_a_newer_one,
    a_server_that_never_ends_fills_no_disk,
];

/// Signed by the key of the releases, so that nothing but the unpacking is in its way.
const LEADS_OUT: &str = r#"
import glob, io, sys, tarfile
name, = glob.glob("ductor-*.tar.xz")
files = [(it, archive.extractfile(it).read() if it.isfile() else None)
         for archive in [tarfile.open(name)] for it in archive]
top = files[0][0].name.split("/")[0]
made = tarfile.open(name, "w:xz")
for it, text in files:
    made.addfile(it, io.BytesIO(text or b""))
def file(path):
    it = tarfile.TarInfo(path)
    it.size = 4
    made.addfile(it, io.BytesIO(b"evil"))
def link(path, target, kind):
    it = tarfile.TarInfo(path)
    it.type, it.linkname = kind, target
    made.addfile(it)
if sys.argv[1] == "up":
    file(top + "/../../../../../../home/alice/escaped")
elif sys.argv[1] == "absolute":
    file("/home/alice/escaped")
elif sys.argv[1] == "through":
    link(top + "/out", "/home/alice", tarfile.SYMTYPE)
    file(top + "/out/escaped")
elif sys.argv[1] == "link":
    link(top + "/man/escaped.1", "/home/alice/.ductor/config/config.json", tarfile.SYMTYPE)
elif sys.argv[1] == "hard":
    link(top + "/man/escaped.1", "/home/alice/.ductor/config/config.json", tarfile.LNKTYPE)
made.close()
"#;

fn an_archive_leads_nowhere_out_of_its_folder() -> Result<()> {
    let web = Web::boot()?;
    let folder = format!("/srv/web/download/v{THIS}");
    std::fs::write(web.path("/srv/leads_out.py"), LEADS_OUT)?;
    web.run("root", &["cp", "-a", &folder, "/srv/whole"])?.ok()?;
    let before = web.changes()?;
    // With tar, and where there is none that knows xz.
    for without in ["true", "rm -f /usr/bin/xz"] {
        web.sh("root", without)?.ok()?;
        for way in ["up", "absolute", "through", "link", "hard"] {
            let make = format!(
                "rm -r {folder} && cp -a /srv/whole {folder} && cd {folder} && python3 /srv/leads_out.py {way} && \
                 sha256sum -b ductor-* dist-manifest.json install.* >sha256.sum && \
                 minisign -S -s /srv/key -m sha256.sum >/dev/null"
            );
            web.sh("root", &make)?.ok().context(way)?;
            let installed = web.install("--no-service")?;
            // Where tar leaves the way out away, the rest is as good as ever.
            if installed.code == 0 {
                web.type_in(&["uninstall"])?.ended(0)?;
            }
            ensure!(installed.code == 0 || installed.stderr.contains("error: "), "{way}: {installed}");
            ensure!(way != "link" || installed.code == 1, "{way}: {installed}");
            let left = web.changes()?.since(&before, &[ASIDE, &["/usr/bin/xz"]].concat())?;
            ensure!(left.is_empty(), "{without}, {way}: {installed}\n{}", left.join("\n"));
        }
    }
    Ok(())
}

fn an_older_release_is_not_installed_over_a_newer_one() -> Result<()> {
    let web = Web::boot()?;
    web.publish(&next(), &program(&next())?)?;
    web.install("--no-service")?.ended(0)?;
    web.run("root", &["ln", "-sfn", &format!("../download/v{THIS}"), "/srv/web/latest/download"])?.ok()?;
    let before = web.changes()?;
    let refused = web.install("--no-service")?.ended(1)?;
    let said = format!("error: ductor {THIS}: a newer one is here: {}; nothing was changed", next());
    ensure!(refused.stderr.contains(&said), "{refused}");
    ensure!(web.changes()?.since(&before, ASIDE)?.is_empty(), "{refused}");
    web.install(&format!("--no-service --version {THIS}"))?.ended(0)?;
    assert_eq!(web.type_in(&["--version"])?.ok()?, format!("ductor {THIS}"));
    Ok(())
}

fn a_server_that_never_ends_fills_no_disk() -> Result<()> {
    let web = Web::boot()?;
    let before = web.changes()?;
    let endless = "from http.server import *\n\
         class Endless(BaseHTTPRequestHandler):\n  def do_GET(self):\n    self.send_response(200)\n    \
         self.end_headers()\n    while True: self.wfile.write(bytes(1 << 20))\n\
         HTTPServer(('127.0.0.1', 8001), Endless).serve_forever()";
    std::fs::write(web.path("/srv/endless.py"), endless)?;
    web.sh("root", "systemd-run -q python3 /srv/endless.py; cp /srv/web/latest/download/install.sh /srv/")?
        .ok()?;
    let from = "http://127.0.0.1:8001";
    wait_for("the endless server", PATIENCE, || {
        Ok(web
            .sh("root", &format!("curl -s {from} | head -c 1 | wc -c"))?
            .stdout
            .starts_with('1')
            .then_some(()))
    })?;
    for without in ["true", "rm /usr/bin/curl"] {
        web.sh("root", without)?.ok()?;
        let refused = web.sh("alice", &format!("sh /srv/install.sh --from {from} --no-service"))?.ended(1)?;
        ensure!(refused.stderr.contains("sha256.sum: it could not be fetched"), "{refused}");
    }
    let left = web.changes()?.since(&before, &[ASIDE, &["/usr/bin/curl"]].concat())?;
    ensure!(left.is_empty(), "{}", left.join("\n"));
    Ok(())
}

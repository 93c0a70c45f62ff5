// Without it the page shows everything. With it: what is for the computer of who reads it, and buttons that copy.
"use strict";

// What the browser tells of its computer: { system, arch }, each undefined where it is not told.
async function computer() {
  const told = navigator.userAgentData;
  if (told?.platform) {
    const system = { Linux: "linux", macOS: "macos", Windows: "windows" }[told.platform];
    const { architecture, bitness } = await told.getHighEntropyValues(["architecture", "bitness"]);
    return { system, arch: bitness === "64" ? { x86: "x86_64", arm: "aarch64" }[architecture] : undefined };
  }
  const agent = navigator.userAgent;
  const arch = /x86_64|x64|amd64/i.test(agent) ? "x86_64" : /aarch64|arm64/i.test(agent) ? "aarch64" : undefined;
  if (/Android|CrOS|iPhone|iPad/.test(agent)) return {};
  if (/Windows NT/.test(agent)) return { system: "windows", arch };
  // Every Mac says that it is an Intel, and an iPad that it is a Mac.
  if (/Macintosh/.test(agent)) return navigator.maxTouchPoints > 1 ? {} : { system: "macos" };
  return /Linux/.test(agent) ? { system: "linux", arch } : {};
}

const all = (selector) => document.querySelectorAll(selector);
const choice = document.getElementById("choice");

// Shows one system, or all; of its packages those for `arch`, where any is.
function show(system, arch) {
  for (const section of all(".system")) section.hidden = system !== "all" && section.id !== system;
  const known = [...all("[data-arch]")].some((it) => it.dataset.arch === arch);
  for (const it of all("[data-arch]")) it.hidden = known && it.dataset.arch !== arch;
}

choice.addEventListener("change", (event) => show(event.target.value));

computer().catch(() => ({})).then(({ system, arch }) => {
  const section = document.getElementById(system ?? "");
  choice.hidden = false;
  if (!section) return;
  choice.elements.system.value = system;
  document.getElementById("seen").textContent =
    `This computer looks like ${section.dataset.name}${arch ? ` on ${arch}` : ""}.`;
  show(system, arch);
});

if (navigator.clipboard) {
  for (const button of all(".command button")) {
    const label = button.firstChild;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const line = button.previousElementSibling.textContent;
      let said = "Copied";
      await navigator.clipboard.writeText(line).catch(() => { said = "Select it, please"; });
      label.data = said;
      button.classList.toggle("done", said === "Copied");
      document.getElementById("told").textContent = `${said}: ${line}`;
      setTimeout(() => { label.data = "Copy"; button.classList.remove("done"); }, 2000);
    });
  }
}

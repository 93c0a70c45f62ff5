//! Homebrew's formula is Ruby in Homebrew's style, and does what it should.

use std::fs;

use ductor::service::ServiceDefinition;
use ductor::service::render::{plist, unit};

use crate::{passes, release, run};

/// The rules of `brew style` that are RuboCop's own, as Homebrew's Library/.rubocop.yml sets them. Those that Homebrew
/// adds need Homebrew.
const STYLE: &str = "\
AllCops: {NewCops: enable, SuggestExtensions: false}
Layout/CaseIndentation: {EnforcedStyle: end}
Layout/FirstArrayElementIndentation: {EnforcedStyle: consistent}
Layout/FirstHashElementIndentation: {EnforcedStyle: consistent}
Layout/EndAlignment: {EnforcedStyleAlignWith: start_of_line}
Layout/LineLength: {Max: 118}
Layout/SpaceAroundOperators: {Enabled: false}
Metrics: {Enabled: false}
Naming/HeredocDelimiterNaming: {Enabled: false}
Style/Documentation: {Enabled: false}
Style/FrozenStringLiteralComment: {Enabled: false}
Style/StringLiterals: {EnforcedStyle: double_quotes}
Style/IfUnlessModifier: {Enabled: false}
Style/GuardClause: {Enabled: false}
Style/NumericLiterals: {Enabled: false}
";

#[test]
fn the_formula_is_ruby_in_homebrews_style() {
    let Some(folder) = release() else { return };
    passes("ruby", &["-c", "ductor.rb"], folder);
    let rules = tempfile::NamedTempFile::new().unwrap();
    fs::write(&rules, STYLE).unwrap();
    let config = rules.path().to_str().unwrap();
    passes("rubocop", &["--cache=false", "--config", config, "ductor.rb"], folder);
}

/// Homebrew as far as the formula speaks to it: what it brings is written, and told.
const HOMEBREW: &str = r##"
require "pathname"
class Pathname
  def write(text) = puts("== #{basename}", text)
  def install(*) = nil
end
class Formula
  %w[desc homepage version url sha256 license name].each { |word| define_singleton_method(word) { |*| } }
  def self.service = class_eval { yield }
  def self.test = nil
  def self.const_missing(_) = Class.new { def self.method_missing(*) = false }
  %w[bin man1 bash_completion zsh_completion fish_completion prefix].each do |word|
    define_method(word) { Pathname("/brew/Cellar/ductor") }
  end
  def opt_bin = Pathname("/brew/opt/ductor/bin")
end
load ARGV[0]
Ductor.new.install
"##;

#[test]
fn the_formula_brings_the_definitions_of_our_renderers() {
    let Some(folder) = release() else { return };
    let Some(output) = run("ruby", &["-e", HOMEBREW, "ductor.rb"], folder) else { return };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let definition = ServiceDefinition::packaged("/brew/opt/ductor/bin/ductor");
    let (plist, unit) = (plist::render(&definition, &[]).unwrap(), unit::render(&definition).unwrap());
    assert_eq!(said, format!("== dev.ductor.plist\n{plist}== ductor.service\n{unit}"));
}

  def install
    bin.install "ductor"
    man1.install Dir["man/*"]
    bash_completion.install "completions/ductor.bash" => "ductor"
    zsh_completion.install "completions/_ductor"
    fish_completion.install "completions/ductor.fish"
    (prefix/"@launchd-name@.plist").write <<~XML
@launchd@
    XML
    (prefix/"@systemd-name@.service").write <<~UNIT
@systemd@
    UNIT
  end

  def caveats
    <<~EOS
      Next, once, to get the bot and to configure it:
        ductor onboarding
      It offers to set the service up, as this does:
        brew services start ductor
    EOS
  end

  # The definitions that `install` has written are the same as in every other package.
  service do
    name macos: "@launchd-name@", linux: "@systemd-name@"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/ductor --version")
  end
end

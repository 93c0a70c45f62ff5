# Installs ductor for the one who runs it, and sets its service up:
#
#     irm https://github.com/PleasePrompto/ductor/releases/latest/download/install.ps1 | iex
#
# With options:  & ([scriptblock]::Create((irm URL/install.ps1))) -Version 1.2.3 -NoService
#
# The same as install.sh, step by step, with what Windows has; what is said there is true here. An error is thrown
# and not an exit, which would close the window of whoever pasted the line above. `iex` runs this in that window's own
# scope: all is in one block, so that no function and no preference stays behind.
[CmdletBinding(PositionalBinding = $false)] # else words without a name would go to $Version first
param(
    [Parameter(ValueFromRemainingArguments)] [string[]] $Words = @(), # of `ductor upgrade`: fetch, unpack
    [string] $Version = '',        # this version, not the latest, and also where a newer one is
    [string] $From = $env:DUCTOR_INSTALL_URL, # fetch from this folder of one release
    [string] $Prefix = '',         # place the program in $Prefix\bin [default: %LOCALAPPDATA%\Programs\ductor]
    [switch] $NoService,           # only place the files
    [switch] $RequireSignature,    # refuse where the signature can't be checked
    [switch] $DryRun               # fetch and check, print what would be done, change nothing
)

& {
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue' # drawing it takes longer than the download

    # Filled in by `cargo xtask dist` (packaging/src/installers.rs), as in install.sh.
    $ReleaseVersion = ''
    $PublicKey = ''

    $Releases = 'https://github.com/PleasePrompto/ductor/releases'
    $Archive = 'ductor-x86_64-pc-windows-gnu.zip' # Windows on ARM runs it too

    function Install-Ductor {
        if (-not [Environment]::Is64BitOperatingSystem) { throw "this release has no archive for 32-bit Windows: $Releases" }
        $wanted = $Version.TrimStart('v')
        if ($wanted -match '[^0-9A-Za-z.+-]') { throw "${wanted}: not a version; such as: -Version 1.2.3" }
        if (-not $wanted -and -not $From) { $wanted = $ReleaseVersion }
        $source = if ($From) { $From } else { "$Releases/latest/download" }
        $work = Join-Path ([IO.Path]::GetTempPath()) ('ductor-install.' + [Guid]::NewGuid())
        New-Item -ItemType Directory $work | Out-Null
        try {
            Get-ReleaseFile $source $wanted $work 'sha256.sum'
            Confirm-Signature $source $wanted $work
            Get-ReleaseFile $source $wanted $work $Archive
            Confirm-Hash $work
            Expand-Archive (Join-Path $work $Archive) (Join-Path $work 'new')
            $root = Get-Prefix
            Set-InPlace (Join-Path $work 'new') $source $wanted $root
            if (-not $NoService) { Set-UpService (Join-Path $root 'bin\ductor.exe') }
        } finally {
            Remove-Item -Recurse -Force $work
        }
    }

    # The latest release has a place of its own, and others are found beside it by their tag.
    function Get-ReleaseFile([string] $Url, [string] $Wanted, [string] $Folder, [string[]] $Files) {
        $Url = $Url.TrimEnd('/')
        if ($Wanted -and $Url.EndsWith('/latest/download')) {
            $Url = $Url -replace '/latest/download$', "/download/v$Wanted"
        }
        [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 'Tls12'
        foreach ($file in $Files) {
            Write-Host "fetching $Url/$file"
            try {
                Invoke-WebRequest -UseBasicParsing "$Url/$file" -OutFile (Join-Path $Folder $file)
            } catch {
                throw "$Url/$file could not be fetched: $_"
            }
        }
    }

    function Confirm-Signature([string] $Url, [string] $Wanted, [string] $Folder) {
        $reason = if (-not $PublicKey) { 'this release has none' } elseif (-not (Get-Command minisign -ErrorAction Ignore)) { 'minisign is not here' }
        if ($reason -and $RequireSignature) { throw "the signature was not checked, as $reason" }
        if ($PublicKey) { Get-ReleaseFile $Url $Wanted $Folder 'sha256.sum.minisig' }
        if ($reason) {
            Write-Host "the signature was not checked ($reason); the hash will be"
            return
        }
        Invoke-Native { & minisign -Vqm (Join-Path $Folder 'sha256.sum') -P $PublicKey }
        if ($LASTEXITCODE) { throw "the signature is not by the key of ductor's releases; nothing was installed" }
        Write-Host 'the signature is right'
    }

    function Confirm-Hash([string] $Folder) {
        $line = Get-Content (Join-Path $Folder 'sha256.sum') | Where-Object { $_.EndsWith(" *$Archive") }
        $hash = (Get-FileHash -Algorithm SHA256 (Join-Path $Folder $Archive)).Hash
        if (-not $line -or $line.Split(' ')[0] -ne $hash) { throw "$Archive`: its hash is not the one in sha256.sum; nothing was installed" }
    }

    # Known here, and not read from `ductor place`: PowerShell takes what a program prints to be in the console's code
    # page, in which the name of a user may come out as another.
    function Get-Prefix {
        if ($Prefix) { return $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Prefix) }
        Join-Path ([Environment]::GetFolderPath('LocalApplicationData')) 'Programs\ductor'
    }

    # The program itself places the files.
    function Set-InPlace([string] $New, [string] $Source, [string] $Wanted, [string] $Root) {
        $unpacked = Join-Path $New 'ductor.exe'
        $holds = Invoke-Native { & $unpacked --version }
        if ($LASTEXITCODE) { throw "the program does not run here: $Releases" }
        if ($Wanted -and $holds -ne "ductor $Wanted") { throw "$Source holds $holds, not $Wanted" }
        $options = @('place', $New, '--from', $Source, '--prefix', $Root)
        if ($Version) { $options += '--asked-for' }
        if ($PublicKey) { $options += '--public-key', $PublicKey }
        if ($DryRun) {
            Invoke-Native { & $unpacked @options --dry-run }
        } else {
            Invoke-Native { & $unpacked @options | Out-Null }
        }
        if ($LASTEXITCODE) { throw 'nothing was installed' }
    }

    function Set-UpService([string] $Program) {
        if ($DryRun) {
            Write-Host 'then: ductor service install, where the bot is configured; else: ductor onboarding'
            return
        }
        # Unheard first: to who has no bot yet, onboarding is the answer and not an error.
        Invoke-Native { & $Program --quiet service install --no-start 2>$null | Out-Null }
        if ($LASTEXITCODE -notin 0, 5, 78) { Invoke-Native { & $Program --quiet service install --no-start | Out-Null } }
        switch ($LASTEXITCODE) {
            0 { Invoke-Native { & $Program service restart } }
            5 { Write-Host "no Task Scheduler is here for you; to run the bot: $Program"; return }
            78 { # the bot is not there, or not configured
                if ([Console]::IsInputRedirected -or [Console]::IsOutputRedirected) {
                    Write-Host "next, in a terminal: $Program onboarding"
                    return
                }
                Invoke-Native { & $Program onboarding }
            }
            default { throw 'ductor is installed, its service is not' }
        }
        if ($LASTEXITCODE) { throw 'ductor is installed, the bot does not run yet' }
    }

    # Runs a program. What it says on stderr is no error, as it else is where PowerShell is remote or in an editor, nor
    # is its code; that it can't be started is one.
    function Invoke-Native([scriptblock] $Call) {
        $ErrorActionPreference = 'Continue'
        $PSNativeCommandUseErrorActionPreference = $false
        try { & $Call } catch { throw }
    }

    switch ([string] $Words[0]) {
        'fetch' { Get-ReleaseFile $Words[1] $Words[2] $Words[3] $Words[4..($Words.Count - 1)] }
        'unpack' { Expand-Archive $Words[1] $Words[2] -Force }
        default { Install-Ductor }
    }
}

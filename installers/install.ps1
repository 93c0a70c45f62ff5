# Installs ductor for the one who runs it, and sets its service up:
#
#     irm https://github.com/PleasePrompto/ductor/releases/latest/download/install.ps1 | iex
#
# With options:  & ([scriptblock]::Create((irm URL/install.ps1))) -Version 1.2.3 -NoService
#
# The same as install.sh, step by step, with what Windows has; what is said there is true here. An error is thrown
# and not an exit, which would close the window of whoever pasted the line above.
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
        $program = Set-InPlace (Join-Path $work 'new') $source $wanted
        if ($program -and -not $NoService) { Start-DuctorService $program }
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
    & minisign -Vqm (Join-Path $Folder 'sha256.sum') -P $PublicKey
    if ($LASTEXITCODE) { throw "the signature is not by the key of ductor's releases; nothing was installed" }
    Write-Host 'the signature is right'
}

function Confirm-Hash([string] $Folder) {
    $line = Get-Content (Join-Path $Folder 'sha256.sum') | Where-Object { $_.EndsWith(" *$Archive") }
    $hash = (Get-FileHash -Algorithm SHA256 (Join-Path $Folder $Archive)).Hash
    if (-not $line -or $line.Split(' ')[0] -ne $hash) { throw "$Archive`: its hash is not the one in sha256.sum; nothing was installed" }
}

# The program itself places the files and prints where it is now.
function Set-InPlace([string] $New, [string] $Source, [string] $Wanted) {
    $unpacked = Join-Path $New 'ductor.exe'
    $holds = & $unpacked --version
    if ($LASTEXITCODE) { throw "the program does not run here: $Releases" }
    if ($Wanted -and $holds -ne "ductor $Wanted") { throw "$Source holds $holds, not $Wanted" }
    $options = @('place', $New, '--from', $Source)
    if ($Version) { $options += '--asked-for' }
    if ($PublicKey) { $options += '--public-key', $PublicKey }
    if ($Prefix) { $options += '--prefix', $Prefix }
    if ($DryRun) {
        & $unpacked @options --dry-run | Write-Host
    } else {
        & $unpacked @options
    }
    if ($LASTEXITCODE) { throw 'nothing was installed' }
}

function Start-DuctorService([string] $Program) {
    & $Program --quiet service install --no-start
    switch ($LASTEXITCODE) {
        0 { & $Program service restart }
        5 { Write-Host "no Task Scheduler is here for you; to run the bot: $Program" }
        78 { & $Program onboarding }
        default { throw 'ductor is installed, its service is not' }
    }
}

switch ($Words[0]) {
    'fetch' { Get-ReleaseFile $Words[1] $Words[2] $Words[3] $Words[4..($Words.Count - 1)] }
    'unpack' { Expand-Archive $Words[1] $Words[2] -Force }
    default { Install-Ductor }
}

# What can only be seen on Windows: the service under the real Task Scheduler. One line a check; 0 when all is well.
#
#   powershell -ExecutionPolicy Bypass -File tests\on-windows.ps1 [DUCTOR.EXE]
#
# DUCTOR.EXE has ductorw.exe beside it, in a folder that other users can't change, such as one in your profile; else
# those of target\release or target\debug are taken. Run it as a user who is no administrator, in a window that was not
# "run as administrator". It takes two minutes and leaves the machine as it was: the bot is a script in a folder that is
# removed, the ductor home is there too, and the task goes again. It does not start where a task ductor is there already.
param([string]$Ductor)
$ErrorActionPreference = 'Continue' # what programs say on stderr is no error

$here = Split-Path -Parent $PSScriptRoot
foreach ($built in 'release', 'debug') {
    if (-not $Ductor) {
        $Ductor = Get-ChildItem "$here\target\$built\ductor.exe" -ErrorAction SilentlyContinue | ForEach-Object FullName
    }
}
if (-not $Ductor) { Write-Host 'on-windows: no program; build one: cargo build --release'; exit 2 }
$Ductor = (Resolve-Path $Ductor).Path
schtasks.exe /Query /TN ductor 2>$null >$null
if ($LASTEXITCODE -eq 0) { Write-Host 'on-windows: a task ductor is there; first: ductor service uninstall'; exit 2 }

# A path without blanks: versions of PowerShell differ in how they hand quotes to a program.
$work = New-Item -ItemType Directory -Path "$env:PUBLIC\ductor-on-windows-$PID"
$env:DUCTOR_HOME = "$work\home"
Remove-Item Env:DUCTOR_BOT -ErrorAction SilentlyContinue
$script:failed = 0

# It notes its pid and its child's, and ends with the code that it finds in the file `end`.
Set-Content "$work\bot.ps1" @'
$child = Start-Process ping.exe '-n 100000 127.0.0.1' -PassThru -WindowStyle Hidden
Add-Content "$PSScriptRoot\bots" "$PID $($child.Id)"
Write-Output "the bot $PID says hello"
while (-not (Test-Path "$PSScriptRoot\end")) { Start-Sleep -Milliseconds 50 }
$code = [int](Get-Content "$PSScriptRoot\end")
Remove-Item "$PSScriptRoot\end"
exit $code
'@

# --- what the checks are made of

function Check($name, [scriptblock]$test) {
    $why = ''
    try { $good = & $test } catch { $good = $false; $why = $_ }
    if ($good) { Write-Host "ok    $name" } else { Write-Host "FAIL  $name $why"; $script:failed = 1 }
}
function Soon($name, [scriptblock]$test) {
    $until = (Get-Date).AddSeconds(40)
    while (-not (& $test) -and (Get-Date) -lt $until) { Start-Sleep -Milliseconds 200 }
    Check $name $test
}
function Ends($code, $words) {
    $said = & $Ductor $words 2>&1 | Out-String
    if ($LASTEXITCODE -ne $code) { throw "ended with ${LASTEXITCODE}: $said" }
    $true
}
function Status { & $Ductor service status --json | Out-String | ConvertFrom-Json }
function Bots { @(Get-Content "$work\bots" -ErrorAction SilentlyContinue) }
function LastBot { @(Bots)[-1].Split(' ') } # a list of one line comes back as the line
function Lives($id) { [bool](Get-Process -Id $id -ErrorAction SilentlyContinue) }
function NoneLives($ids) { -not ($ids | Where-Object { Lives $_ }) }

try {
    # --- installed

    $bot = "powershell.exe -NoProfile -ExecutionPolicy Bypass -File $work\bot.ps1"
    $version = Get-Content "$here\Cargo.toml" | Select-String '^version = "(.*)"' | Select-Object -First 1
    Check 'it is this version' { (& $Ductor --version) -eq "ductor $($version.Matches[0].Groups[1].Value)" }
    Check 'status: not installed' { Ends 4 @('service', 'status') }
    Check 'install, without an administrator' { Ends 0 @('service', 'install', '--bot', $bot) }
    $task = [xml](schtasks.exe /Query /TN ductor /XML | Out-String)
    Check 'the trigger is for this user' { $task.Task.Triggers.LogonTrigger.UserId }
    Check 'the action is ductorw.exe' { $task.Task.Actions.Exec.Command -like '*\ductorw.exe' }
    Check 'the file for the scheduler is gone' { -not (Test-Path "$work\home\ductor_task.xml") }
    Check 'the ductor home is its user''s alone' {
        $private = Get-ChildItem -Recurse "$work\home" -Include host.json, service.log | Get-Acl
        @($private).Count -eq 2 -and -not (@($private) + (Get-Acl "$work\home") | Where-Object {
            -not $_.AreAccessRulesProtected
        })
    }
    $status = Status
    Check 'the service runs' { $status.state -eq 'running' -and $status.owner -eq 'service' }
    Check 'the scheduler says so too' { (Get-ScheduledTask ductor).State -eq 'Running' }
    Check 'no window is shown' {
        $windows = $status.pid, $status.bot_pid | ForEach-Object { (Get-Process -Id $_).MainWindowHandle }
        -not ($windows | Where-Object { $_ -ne 0 })
    }
    Check 'again changes nothing' { (Ends 0 @('service', 'install')) -and (Bots).Count -eq 1 }
    Check 'doctor finds who made the task' {
        $script:doctor = & $Ductor service doctor
        $script:doctor -match 'task-maker.*for you'
    }
    Check 'what the bot says is kept' { (& $Ductor service logs --no-follow | Out-String) -match 'says hello' }

    # --- the host

    $first = LastBot
    Set-Content "$work\end.new" 42; Move-Item "$work\end.new" "$work\end"
    Soon 'a bot that asks for it is back at once' { (Bots).Count -eq 2 }
    Check 'nothing is left of the first' { NoneLives $first }
    $second = LastBot
    Stop-Process -Id $second[0] -Force
    Soon 'a bot that is killed is back' { (Bots).Count -eq 3 }
    Check 'nothing is left of the second' { NoneLives $second }
    Check 'by the same host' { (Status).pid -eq $status.pid -and (Status).restarts -eq 1 }
    Check 'a second host is refused' { Ends 1 @('run') }
    Check 'restart' { Ends 0 @('service', 'restart') }
    Check 'is a new host' { (Status).pid -ne $status.pid }
    $third = LastBot
    Check 'stop' { Ends 0 @('service', 'stop') }
    Check 'leaves nothing running' { NoneLives $third }
    Check 'status: stopped' { Ends 3 @('service', 'status') }
    Check 'start' { Ends 0 @('service', 'start') }
    $fourth = LastBot
    Stop-Process -Id (Status).pid -Force
    Soon 'a host that is killed takes its tree along' { NoneLives $fourth }
    Check 'start after that' { Ends 0 @('service', 'start') }

    # --- gone

    $last = LastBot
    Check 'uninstall' { Ends 0 @('service', 'uninstall') }
    Check 'leaves nothing running' { NoneLives $last }
    Check 'and no task' { -not (Get-ScheduledTask ductor -ErrorAction SilentlyContinue) }
    Check 'status: not installed' { Ends 4 @('service', 'status') }
}
finally {
    & $Ductor service uninstall 2>$null >$null
    Remove-Item -Recurse -Force $work -ErrorAction SilentlyContinue
}
$script:doctor | ForEach-Object { Write-Host "doctor said: $_" }
if (-not $script:failed) { Write-Host 'all is well' }
exit $script:failed

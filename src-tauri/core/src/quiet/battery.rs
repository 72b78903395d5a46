//! Whether the computer lives on its battery. Where nobody can tell, it does not.

use std::path::Path;

/// Asks this computer. Elsewhere than on Linux a program of the system is asked, so this is only for the moment when the
/// answer counts.
pub fn on_battery() -> bool {
    #[cfg(target_os = "linux")]
    return supplies_say_battery(Path::new("/sys/class/power_supply"));
    #[cfg(target_os = "macos")]
    return said("/usr/bin/pmset", &["-g", "batt"]).is_some_and(|text| pmset_says_battery(&text));
    #[cfg(windows)]
    return said(
        "powershell.exe",
        &["-NoProfile", "-NonInteractive", "-Command", "(Get-CimInstance Win32_Battery).BatteryStatus"],
    )
    .is_some_and(|text| windows_says_battery(&text));
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    return false;
}

#[cfg(any(target_os = "macos", windows))]
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = std::process::Command::new(program);
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    let output = command.args(arguments).stdin(std::process::Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

/// Linux: no mains is plugged in, and a battery of the computer itself, not of a mouse, gives power.
/// Source: the kernel's Documentation/ABI/testing/sysfs-class-power.
pub fn supplies_say_battery(folder: &Path) -> bool {
    let supplies: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).collect();
    let fact = |supply: &std::fs::DirEntry, name: &str| {
        std::fs::read_to_string(supply.path().join(name)).unwrap_or_default().trim().to_owned()
    };
    let is_mains = |supply: &std::fs::DirEntry| {
        let kind = fact(supply, "type");
        (kind == "Mains" || kind.starts_with("USB")) && fact(supply, "online") == "1"
    };
    let gives = |supply: &std::fs::DirEntry| {
        fact(supply, "type") == "Battery"
            && fact(supply, "scope") != "Device"
            && fact(supply, "status") == "Discharging"
    };
    !supplies.iter().any(is_mains) && supplies.iter().any(gives)
}

/// macOS: `pmset -g batt` begins with "Now drawing from 'Battery Power'".
pub fn pmset_says_battery(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.contains("'Battery Power'"))
}

/// Windows: `Win32_Battery.BatteryStatus`, one number for each battery; 1, 4 and 5 are discharging, low and critical.
pub fn windows_says_battery(text: &str) -> bool {
    let mut all = text.split_whitespace().peekable();
    all.peek().is_some() && all.all(|status| matches!(status, "1" | "4" | "5"))
}

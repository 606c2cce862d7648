//! What files of settings say.

use serde_json::{Value, json};

use super::{agent, fixture::Fixture, inventory_of};

/// What one kind of facts of an agent is, in the order of its files: each as JSON.
fn facts(report: &Value, name: &str, kind: &str) -> Vec<Value> {
    let settings = agent(report, name)["settings"].as_array().expect("settings");
    settings.iter().flat_map(|settings| settings[kind].as_array().cloned().unwrap_or_default()).collect()
}

/// The same of what has a key and a value.
fn switches(report: &Value, name: &str, kind: &str) -> Vec<(String, Value)> {
    let facts = facts(report, name, kind);
    facts.into_iter().map(|fact| (fact["key"].as_str().expect("a key").to_owned(), fact["value"].clone())).collect()
}

/// The kinds of account.
fn kinds(report: &Value, name: &str) -> Vec<String> {
    let facts = facts(report, name, "accounts");
    facts.into_iter().map(|fact| fact["kind"].as_str().expect("a kind").to_owned()).collect()
}

fn pairs<const N: usize>(expected: [(&str, Value); N]) -> Vec<(String, Value)> {
    expected.map(|(key, value)| (key.to_owned(), value)).into()
}

#[test]
fn of_claude_code_every_level_is_read() {
    let home = Fixture::new();
    let project = home.folder("work/app");
    home.file(
        ".claude/settings.json",
        r#"{
          "permissions": {"defaultMode": "acceptEdits", "allow": ["Bash(npm run *)"], "deny": ["Read(.env)"]},
          "env": {"ANTHROPIC_BASE_URL": "https://me:hunter2@gateway.example/v1", "HTTPS_PROXY": "http://proxy.example:3128",
                  "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example:4318/v1/x",
                  "OTEL_EXPORTER_OTLP_HEADERS": "authorization=hunter2"},
          "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "/home/ada/check.sh --strict"}]},
                                    {"hooks": [{"type": "http", "url": "https://hooks.example/x"}]}]}
        }"#,
    );
    home.file(
        ".claude.json",
        &json!({
            "oauthAccount": {"emailAddress": "ada@example.com", "organizationType": "claude_enterprise"},
            "bypassPermissionsModeAccepted": true,
            "mcpServers": {"github": {"type": "http", "url": "https://mcp.example/mcp?key=hunter2", "headers": {"Authorization": "Bearer hunter2"}}},
            "projects": {project.to_str().expect("a path"): {"mcpServers": {"files": {"command": "npx", "args": ["-y", "server-files", "/work"], "env": {"TOKEN": "hunter2"}}}}},
        })
        .to_string(),
    );
    home.file("work/app/.mcp.json", r#"{"mcpServers": {"db": {"command": "db-server", "disabled": true}}}"#);
    home.file("work/app/.claude/settings.local.json", r#"{"permissions": {"defaultMode": "bypassPermissions"}}"#);
    let report = inventory_of(home.path());
    assert_eq!(report["problems"], json!([]));
    assert_eq!(report["looked"]["projects"], json!([project]));
    assert_eq!(kinds(&report, "claude-code"), ["enterprise"]);
    assert_eq!(
        switches(&report, "claude-code", "permissions"),
        pairs([
            ("permissions.defaultMode", json!("acceptEdits")),
            ("permissions.allow", json!(["Bash(npm run *)"])),
            ("permissions.deny", json!(["Read(.env)"])),
            ("bypassPermissionsModeAccepted", json!(true)),
            ("permissions.defaultMode", json!("bypassPermissions")),
        ])
    );
    assert_eq!(
        switches(&report, "claude-code", "endpoints"),
        pairs([("env.ANTHROPIC_BASE_URL", json!("https://gateway.example"))])
    );
    assert_eq!(
        switches(&report, "claude-code", "proxies"),
        pairs([("env.HTTPS_PROXY", json!("http://proxy.example:3128"))])
    );
    assert_eq!(
        switches(&report, "claude-code", "telemetry"),
        pairs([
            ("env.CLAUDE_CODE_ENABLE_TELEMETRY", json!("1")),
            ("env.OTEL_EXPORTER_OTLP_ENDPOINT", json!("https://otel.example:4318")),
        ])
    );
    assert_eq!(
        facts(&report, "claude-code", "hooks"),
        [
            json!({"event": "PreToolUse", "matcher": "Bash", "kind": "command", "runs": "/home/ada/check.sh --strict"}),
            json!({"event": "PreToolUse", "kind": "http", "runs": "https://hooks.example"}),
        ]
    );
    assert_eq!(
        facts(&report, "claude-code", "mcp_servers"),
        [
            json!({"name": "github", "transport": "http", "host": "https://mcp.example", "headers": ["Authorization"], "enabled": true}),
            json!({"name": "files", "transport": "stdio", "command": "npx -y server-files /work", "env": ["TOKEN"], "enabled": true, "project": project}),
            json!({"name": "db", "transport": "stdio", "command": "db-server", "enabled": false}),
        ]
    );
    let scopes: Vec<&Value> = agent(&report, "claude-code")["settings"]
        .as_array()
        .expect("settings")
        .iter()
        .map(|one| &one["scope"])
        .collect();
    assert_eq!(scopes, ["user", "user", "project", "project"]);
    assert!(!report.to_string().contains("hunter2") && !report.to_string().contains("ada@example.com"), "{report:#}");
}

#[test]
fn of_codex_settings_login_and_variables_are_read() {
    let home = Fixture::new();
    home.file(
        ".codex/config.toml",
        r#"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.corp]
base_url = "https://llm.corp.example/v1"
[mcp_servers.docs]
command = "docs-server"
args = ["--port", "1"]
[mcp_servers.remote]
url = "https://mcp.example/mcp"
enabled = false
[otel]
log_user_prompt = true
exporter = { otlp-http = { endpoint = "https://otel.example/v1/logs", headers = { x-key = "hunter2" } } }
[analytics]
enabled = false
[projects."/nowhere/at/all"]
trust_level = "trusted"
"#,
    );
    home.file(".codex/auth.json", r#"{"auth_mode": "apikey", "OPENAI_API_KEY": "sk-hunter2", "tokens": null}"#);
    home.file(".codex/.env", "OPENAI_BASE_URL=https://key@other.example/v1\nHTTPS_PROXY=\n");
    let report = inventory_of(home.path());
    assert_eq!(kinds(&report, "codex"), ["api_key", "api_key"]);
    assert_eq!(
        switches(&report, "codex", "permissions"),
        pairs([
            ("approval_policy", json!("never")),
            ("sandbox_mode", json!("danger-full-access")),
            ("projects./nowhere/at/all.trust_level", json!("trusted")),
        ])
    );
    assert_eq!(
        switches(&report, "codex", "endpoints"),
        pairs([
            ("model_providers.corp.base_url", json!("https://llm.corp.example")),
            ("OPENAI_BASE_URL", json!("https://other.example")),
        ])
    );
    assert_eq!(
        switches(&report, "codex", "telemetry"),
        pairs([
            ("otel.log_user_prompt", json!(true)),
            ("otel.exporter", json!(["otlp-http"])),
            ("otel.exporter.otlp-http.endpoint", json!("https://otel.example")),
            ("analytics.enabled", json!(false)),
        ])
    );
    assert_eq!(
        facts(&report, "codex", "mcp_servers"),
        [
            json!({"name": "docs", "transport": "stdio", "command": "docs-server --port 1", "enabled": true}),
            json!({"name": "remote", "transport": "http", "host": "https://mcp.example", "enabled": false}),
        ]
    );
}

#[test]
fn each_other_agent_is_understood_in_its_own_form() {
    let home = Fixture::new();
    home.file(".gemini/settings.json", "{ // mine\n \"general\": {\"defaultApprovalMode\": \"auto_edit\"}, \"security\": {\"auth\": {\"selectedType\": \"oauth-personal\"}}, \"privacy\": {\"usageStatisticsEnabled\": false},}");
    home.file(".qwen/settings.json", r#"{"tools": {"approvalMode": "yolo"}, "security": {"auth": {"selectedType": "openai"}}, "proxy": "http://u:p@proxy.example:1", "modelProviders": {"openai": [{"id": "m", "baseUrl": "https://models.example/v1"}]}}"#);
    home.file(
        ".copilot/config.json",
        r#"{"trusted_folders": ["/work"], "logged_in_users": [{"host": "https://github.com", "login": "ada"}]}"#,
    );
    home.file(
        ".copilot/mcp-config.json",
        r#"{"mcpServers": {"pw": {"type": "local", "command": "npx", "args": ["playwright"]}}}"#,
    );
    home.file(
        ".cursor/hooks.json",
        r#"{"version": 1, "hooks": {"beforeShellExecution": [{"command": "./audit.sh"}]}}"#,
    );
    home.file(".cursor/cli-config.json", r#"{"permissions": {"allow": ["Shell(ls)"], "deny": []}}"#);
    home.file(".qoder/settings.json", r#"{"general": {"defaultPermissionMode": "yolo"}}"#);
    home.file(".config/opencode/opencode.jsonc", "{\"permission\": {\"bash\": {\"git *\": \"allow\"}, \"edit\": \"ask\"}, \"mcp\": {\"x\": {\"type\": \"local\", \"command\": [\"bun\", \"x\"], \"environment\": {\"K\": \"v\"}}}, \"provider\": {\"p\": {\"options\": {\"baseURL\": \"https://p.example/v1\"}}} /* end */}");
    home.file(
        ".local/share/opencode/auth.json",
        r#"{"anthropic": {"type": "oauth", "refresh": "r"}, "openai": {"type": "api", "key": "k"}}"#,
    );
    home.file(
        ".aider.conf.yml",
        "yes-always: true\nopenai-api-base: https://aider.example/v1\nanalytics-disable: true\nopenai-api-key: sk-x\n",
    );
    home.file(
        ".pi/agent/settings.json",
        r#"{"defaultProjectTrust": "always", "enableInstallTelemetry": false, "httpProxy": "http://127.0.0.1:7890"}"#,
    );
    home.file(".config/crush/crush.json", r#"{"mcp": {"h": {"type": "http", "url": "https://mcp.example/x"}}, "permissions": {"allowed_tools": ["view"]}, "options": {"disable_metrics": true}}"#);
    home.file(".config/goose/config.yaml", "GOOSE_MODE: auto\nGOOSE_TELEMETRY_ENABLED: false\nextensions:\n  fetch:\n    enabled: true\n    type: stdio\n    cmd: uvx\n    args: [mcp-server-fetch]\n    envs: {}\n");
    home.file(".config/amp/settings.json", r#"{"amp.dangerouslyAllowAll": true, "amp.mcpServers": {"a": {"command": "a"}}, "amp.url": "https://amp.example/"}"#);
    home.file(
        ".cline/data/settings/cline_mcp_settings.json",
        r#"{"mcpServers": {"c": {"url": "https://c.example/sse", "type": "sse"}}}"#,
    );
    let report = inventory_of(home.path());
    assert_eq!(report["problems"], json!([]));
    let permission = [
        ("gemini-cli", "general.defaultApprovalMode", json!("auto_edit")),
        ("qwen-code", "tools.approvalMode", json!("yolo")),
        ("copilot-cli", "trusted_folders", json!(["/work"])),
        ("cursor-agent", "permissions.allow", json!(["Shell(ls)"])),
        ("qoder", "general.defaultPermissionMode", json!("yolo")),
        ("opencode", "permission.bash.git *", json!("allow")),
        ("aider", "yes-always", json!(true)),
        ("pi", "defaultProjectTrust", json!("always")),
        ("crush", "permissions.allowed_tools", json!(["view"])),
        ("goose", "GOOSE_MODE", json!("auto")),
        ("amp", "amp.dangerouslyAllowAll", json!(true)),
    ];
    for (name, key, value) in permission {
        assert!(switches(&report, name, "permissions").contains(&(key.to_owned(), value)), "{name} {key}");
    }
    let telemetry = [
        ("gemini-cli", "privacy.usageStatisticsEnabled", json!(false)),
        ("aider", "analytics-disable", json!(true)),
        ("pi", "enableInstallTelemetry", json!(false)),
        ("crush", "options.disable_metrics", json!(true)),
        ("goose", "GOOSE_TELEMETRY_ENABLED", json!(false)),
    ];
    for (name, key, value) in telemetry {
        assert_eq!(switches(&report, name, "telemetry"), [(key.to_owned(), value)], "{name}");
    }
    let endpoints = [
        ("qwen-code", "https://models.example"),
        ("opencode", "https://p.example"),
        ("aider", "https://aider.example"),
        ("amp", "https://amp.example"),
    ];
    for (name, host) in endpoints {
        assert_eq!(switches(&report, name, "endpoints")[0].1, host, "{name}");
    }
    assert_eq!(switches(&report, "qwen-code", "proxies")[0].1, "http://proxy.example:1");
    assert_eq!(switches(&report, "pi", "proxies")[0].1, "http://127.0.0.1:7890");
    let accounts: [(&str, &[&str]); 5] = [
        ("gemini-cli", &["login"]),
        ("qwen-code", &["api_key"]),
        ("copilot-cli", &["login"]),
        ("opencode", &["login", "api_key"]),
        ("aider", &["api_key"]),
    ];
    for (name, expected) in accounts {
        assert_eq!(kinds(&report, name), expected, "{name}");
    }
    let servers = [
        ("copilot-cli", "pw", "npx playwright"),
        ("opencode", "x", "bun x"),
        ("goose", "fetch", "uvx mcp-server-fetch"),
        ("amp", "a", "a"),
    ];
    for (name, server, command) in servers {
        let found = &facts(&report, name, "mcp_servers")[0];
        assert_eq!((&found["name"], &found["command"]), (&server.into(), &command.into()), "{name}");
    }
    for (name, host) in [("crush", "https://mcp.example"), ("cline", "https://c.example")] {
        assert_eq!(facts(&report, name, "mcp_servers")[0]["host"], host, "{name}");
    }
    for name in ["cursor", "cursor-agent"] {
        assert_eq!(facts(&report, name, "hooks")[0]["runs"], "./audit.sh", "{name}");
    }
}

#[test]
fn what_cannot_be_read_or_understood_is_told_with_its_place() {
    let home = Fixture::new();
    let json = home.file(".claude/settings.json", "{\n  \"permissions\": {,}\n}");
    let toml = home.file(".codex/config.toml", "approval_policy = \"never\"\nsandbox_mode = hunter2\n");
    let yaml = home.file(".config/goose/config.yaml", "GOOSE_MODE: [auto\n");
    let fifo = home.path().join(".codex/auth.json");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let folder = home.folder(".qwen/settings.json");
    let large = home.file(".claude.json", "");
    std::fs::File::options().write(true).open(&large).and_then(|file| file.set_len(1 << 30)).expect("a large file");
    let report = inventory_of(home.path());
    let problem = |path: &std::path::Path| {
        let problems = report["problems"].as_array().expect("problems").iter();
        let mut found = problems.filter(|problem| problem["path"].as_str() == path.to_str());
        let problem = found.next().unwrap_or_else(|| panic!("nothing of {} in {report:#}", path.display())).clone();
        assert!(found.next().is_none(), "once: {report:#}");
        problem
    };
    let place = |path| {
        let problem = problem(path);
        (problem["error"].as_str().expect("an error").to_owned(), problem["line"].as_u64(), problem["column"].as_u64())
    };
    assert_eq!(place(&json), ("it is no valid JSON".to_owned(), Some(2), Some(19)));
    assert_eq!(place(&toml), ("it is no valid TOML".to_owned(), Some(2), Some(16)));
    assert!(matches!(&place(&yaml), (error, Some(_), Some(_)) if error == "it is no valid YAML"));
    assert_eq!(place(&fifo).0, "it is no regular file");
    assert_eq!(place(&folder).0, "it is no regular file");
    assert!(place(&large).0.contains("more than 16777216 bytes"), "{}", place(&large).0);
    // The rest is found all the same, and of the broken files that they are there.
    assert_eq!(agent(&report, "codex")["folders"][0]["path"].as_str(), home.path().join(".codex").to_str());
    assert!(!report.to_string().contains("hunter2"), "{report:#}");
}

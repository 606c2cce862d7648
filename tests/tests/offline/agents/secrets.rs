//! No output of an inventory holds a secret.

use serde_json::json;

use super::fixture::Fixture;
use crate::tools::{command, stdout};

/// Made-up secrets; each place below has one of its own, so that a failure tells which place leaks.
const FORMS: [&str; 4] = [
    "sk-ant-api03-Zx8Qw2Rt5Yu7Io9Pa1Sd3Fg4Hj6Kl8Zx0Cv2Bn5Nm7Qw9Er1Ty3Ui5Op7As9Df-NUMBER",
    "ghp_Zx8Qw2Rt5Yu7Io9Pa1Sd3Fg4Hj6Kl8NUMBER",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJNUMBER",
    "plain-hunter-NUMBER",
];

struct Secrets {
    made: Vec<String>,
}

impl Secrets {
    /// A secret of a form that a rule knows.
    fn known(&mut self) -> String {
        self.make(self.made.len() % 2)
    }

    /// One that nothing but its place tells.
    fn plain(&mut self) -> String {
        self.make(2 + self.made.len() % 2)
    }

    fn make(&mut self, form: usize) -> String {
        let secret = FORMS[form].replace("NUMBER", &format!("{:04}", 1000 + self.made.len()));
        self.made.push(secret.clone());
        secret
    }
}

#[test]
fn no_output_holds_a_secret_of_any_file() {
    let home = Fixture::new();
    let mut secrets = Secrets { made: Vec::new() };
    let s = &mut secrets;
    home.native(".local/share/claude/versions/2.1.197");
    home.file(
        ".claude/.credentials.json",
        &json!({"claudeAiOauth": {"accessToken": s.plain(), "refreshToken": s.plain(), "subscriptionType": s.plain()}})
            .to_string(),
    );
    let project = home.folder("work");
    home.file(
        ".claude.json",
        &json!({
            "primaryApiKey": s.plain(),
            "oauthAccount": {"accountUuid": s.plain(), "emailAddress": s.plain(), "organizationType": s.plain()},
            "customApiKeyResponses": {"approved": [s.plain()]},
            "projects": {project.to_str().expect("a path"): {"history": [s.plain()], "mcpServers": {"a": {"command": "a", "args": ["--api-key", s.plain()]}}}},
            "mcpServers": {
                "url": {"type": "http", "url": format!("https://u:{}@mcp.example/{}?k={}", s.plain(), s.plain(), s.plain()), "headers": {"Authorization": format!("Bearer {}", s.plain())}},
                "known": {"command": "npx", "args": [s.known(), "--token", s.plain(), format!("--password={}", s.plain())], "env": {"ANY": s.plain()}},
                "shell": {"command": format!("sh -c 'curl -u me:{} https://x.example'", s.plain())},
            },
        })
        .to_string(),
    );
    home.file(
        ".claude/settings.json",
        &json!({
            "apiKeyHelper": format!("echo {}", s.plain()),
            "env": {"ANTHROPIC_API_KEY": s.plain(), "ANTHROPIC_BASE_URL": format!("https://{}@gw.example/{}", s.plain(), s.plain()), "HTTPS_PROXY": format!("http://me:{}@proxy.example:1", s.plain()),
                    "OTEL_EXPORTER_OTLP_HEADERS": format!("api-key={}", s.plain()), "OTEL_EXPORTER_OTLP_ENDPOINT": format!("https://otel.example/{}", s.plain()), "OTHER": s.plain(), "DISABLE_TELEMETRY": s.known()},
            "permissions": {"allow": [format!("Bash(curl -H 'Authorization: Bearer {}' https://x.example)", s.plain()), format!("Bash(deploy {})", s.known())], "defaultMode": s.known()},
            "hooks": {"Stop": [{"hooks": [{"type": "command", "command": format!("curl -H 'X-Api-Key: {}' https://hook.example/{}", s.plain(), s.known())}, {"type": "http", "url": format!("https://hook.example/{}", s.plain()), "headers": {"X": s.plain()}}]}]},
        })
        .to_string(),
    );
    home.file(".codex/auth.json", &json!({"auth_mode": s.plain(), "OPENAI_API_KEY": s.plain(), "tokens": {"id_token": s.plain(), "access_token": s.plain()}}).to_string());
    home.file(
        ".codex/config.toml",
        &format!(
            "openai_base_url = \"https://{}@x.example/{}\"\n[mcp_servers.m]\ncommand = \"m\"\nbearer_token = \"{}\"\nhttp_headers = {{ X = \"{}\" }}\n[otel]\nexporter = {{ otlp-http = {{ endpoint = \"https://o.example/{}\", headers = {{ k = \"{}\" }} }} }}\n",
            s.plain(), s.plain(), s.plain(), s.plain(), s.plain(), s.plain()
        ),
    );
    home.file(
        ".gemini/.env",
        &format!(
            "GEMINI_API_KEY={}\nOTHER='{}'\nGOOGLE_GEMINI_BASE_URL=https://k:{}@g.example/x\n",
            s.plain(),
            s.plain(),
            s.plain()
        ),
    );
    home.file(".qwen/settings.json", &json!({"security": {"auth": {"apiKey": s.plain(), "baseUrl": format!("https://q.example/{}", s.plain())}}, "env": {"OPENAI_API_KEY": s.plain()}, "proxy": format!("http://{}@p.example:2", s.plain())}).to_string());
    home.file(
        ".local/share/opencode/auth.json",
        &json!({"anthropic": {"type": "api", "key": s.plain()}, "x": {"type": s.plain(), "token": s.plain()}})
            .to_string(),
    );
    home.file(".config/opencode/opencode.json", &json!({"provider": {"p": {"options": {"apiKey": s.plain(), "baseURL": format!("https://p.example/{}", s.plain())}}}, "mcp": {"r": {"type": "remote", "url": format!("https://r.example/{}", s.plain()), "oauth": {"clientSecret": s.plain()}}}}).to_string());
    home.file(
        ".aider.conf.yml",
        &format!(
            "openai-api-key: {}\napi-key: [\"x={}\"]\nset-env: [\"A={}\"]\nopenai-api-base: https://a.example/{}\n",
            s.plain(),
            s.plain(),
            s.plain(),
            s.plain()
        ),
    );
    home.file(".pi/agent/auth.json", &json!({"anthropic": {"type": "api_key", "key": s.plain()}}).to_string());
    home.file(".config/goose/secrets.yaml", &format!("OPENAI_API_KEY: {}\n", s.plain()));
    home.file(".config/crush/crush.json", &json!({"providers": {"p": {"api_key": s.plain(), "extra_headers": {"X": s.plain()}}}, "mcp": {"m": {"type": "stdio", "command": "m", "env": {"E": s.plain()}, "oauth_client_secret": s.plain()}}}).to_string());
    home.file(".config/amp/settings.json", &json!({"amp.apiKey": s.plain(), "amp.proxy": format!("http://x:{}@p.example:3", s.plain()), "amp.mcpServers": {"m": {"url": format!("https://m.example/{}", s.plain())}}}).to_string());
    home.file(
        ".copilot/config.json",
        &json!({"copilot_tokens": {"x": s.plain()}, "logged_in_users": [{"login": s.plain()}]}).to_string(),
    );
    // Broken files: what is said of them holds nothing that is in them.
    home.file(".cursor/mcp.json", &format!("{{\"mcpServers\": {} }}", s.plain()));
    home.file(".cursor/cli-config.json", &format!("{{{}", s.plain()));
    home.file("work/.codex/config.toml", &format!("a = 1\n{} = {}\n", s.plain(), s.plain()));
    home.file("work/.aider.conf.yml", &format!("a: [{}\n", s.plain()));
    for words in [&["agents", "--home"][..], &["agents", "--json", "--home"]] {
        let output = command(words).arg(home.path()).output().expect("agentsnoop runs");
        let text = stdout(&output) + &String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("2.1.197") && text.contains("no valid TOML"), "{text}");
        let leaked: Vec<&String> = secrets.made.iter().filter(|secret| text.contains(secret.as_str())).collect();
        assert!(leaked.is_empty(), "{leaked:#?}\n{text}");
    }
    assert!(secrets.made.len() > 60, "{}", secrets.made.len());
}

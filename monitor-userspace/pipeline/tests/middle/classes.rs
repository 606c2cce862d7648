//! What things are for.

use agentsnoop_pipeline::{
    data::Source,
    enrich::{Class, Classes, Endpoint, Rules, Why},
    input::Input,
    record::Body,
    synthetic::{Actor, sockaddr},
};
use monitor_common::{
    TextState, body,
    decode::{Body as Wire, Str},
};

use crate::common::judge;

fn of_path(path: &str) -> String {
    let names: Vec<&str> =
        Rules::new().unwrap().path(path.as_bytes(), Some(b"/home/u/p")).iter().map(Class::name).collect();
    names.join(" ")
}

#[test]
fn paths_have_their_classes() {
    let cases = [
        ("/home/u/.aws/credentials", "credential"),
        ("/root/.ssh/id_ed25519", "credential"),
        ("/home/u/.ssh", "credential"),
        ("/home/u/.ssh/known_hosts", "user_file"),
        ("/home/u/.ssh/id_ed25519.pub", "user_file"),
        ("/home/u/.ssh/authorized_keys", "persistence"),
        ("/home/u/p/.env", "credential project_file"),
        ("/home/u/p/.env.local", "credential project_file"),
        ("/home/u/p/.env.example", "project_file"),
        ("/home/u/p/.env.dist", "project_file"),
        ("/home/u/p/.env.production.example", "project_file"),
        ("/home/u/p/.env.production", "credential project_file"),
        ("/home/u/p/environment.ts", "project_file"),
        ("/home/u/p/src/credentials.rs", "project_file"),
        ("/home/u/p", "project_file"),
        ("/home/u/project2/x", "user_file"),
        ("/home/u/.netrc", "credential"),
        ("/home/u/.config/gcloud/application_default_credentials.json", "credential"),
        ("/home/u/.claude/.credentials.json", "credential agent_state"),
        ("/home/u/.claude/settings.json", "agent_state"),
        ("/home/u/.pi/agent/auth.json", "credential agent_state"),
        ("/home/u/.gemini/mcp-oauth-tokens.json", "credential agent_state"),
        ("/home/u/.local/share/opencode/mcp-auth.json", "credential agent_state"),
        ("/home/u/.config/cursor/auth.json", "credential"),
        ("/home/u/.qoder/.auth/user", "credential agent_state"),
        ("/home/u/.local/share/crush/crush.json", "credential agent_state"),
        ("/home/u/.config/containers/auth.json", "credential"),
        ("/home/u/.config/pip/pip.conf", "credential"),
        ("/usr/local/etc/nginx/server.pem", "credential"),
        ("/usr/local/share/x/test.pem", "noise"),
        ("/home/u/p/CLAUDE.md", "project_file agent_state"),
        ("/etc/shadow", "credential"),
        ("/proc/1234/environ", "environment"),
        ("/proc/1234/cmdline", "host_identity"),
        ("/proc/self/environ", "environment"),
        ("/proc/1234/task/1235/environ", "environment"),
        ("/proc/thread-self/environ", "environment"),
        ("/proc/self/status", "noise"),
        ("/etc/localtime", "locale"),
        ("/usr/share/zoneinfo/Europe/Zurich", "locale"),
        ("/etc/machine-id", "host_identity"),
        ("/home/u/.gitconfig", "vcs_identity"),
        ("/home/u/p/.git/config", "vcs_identity project_file"),
        ("/home/u/p/.git/hooks/pre-commit", "project_file persistence"),
        ("/home/u/.bashrc", "persistence"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "noise"),
        ("/lib64/ld-linux-x86-64.so.2", "noise"),
        ("/etc/ld.so.cache", "noise"),
        ("/etc/ssl/certs/ca-certificates.crt", "noise"),
        ("/etc/ssl/certs/x.pem", "noise"),
        ("/etc/ssl/private/key.pem", "credential"),
        ("/usr/lib/locale/locale-archive", "noise"),
        ("/dev/null", "noise"),
        ("/library/x", ""),
        ("/home/u/notes.txt", "user_file"),
        ("/tmp/x", "temporary_file"),
        ("/tmp/x/node_modules/y", "noise"),
        ("/home/u/.nvm/x", "noise"),
        ("", ""),
        ("/", "noise"),
        ("/srv/data/x", ""),
    ];
    for (path, expected) in cases {
        assert_eq!(of_path(path), expected, "{path}");
    }
}

#[test]
fn a_process_that_looks_at_itself_is_noise() {
    let classes = |path: &str| {
        judge(&[Actor::new(1234).open(path)]).remove(0).classes.iter().map(Class::name).collect::<Vec<_>>()
    };
    assert_eq!(classes("/proc/1234/stat"), ["noise"]);
    assert_eq!(classes("/proc/1235/stat"), ["host_identity"]);
    assert_eq!(classes("/proc/1234/environ"), ["environment"]);
    assert_eq!(classes("/proc/99999999999999999999/stat"), ["host_identity"]);
}

#[test]
fn names_of_variables_have_their_classes() {
    let mut rules = Rules::new().unwrap();
    let mut of = |name: &str| rules.variable(name.as_bytes()).iter().map(Class::name).collect::<Vec<_>>().join(" ");
    assert_eq!(of("AWS_SECRET_ACCESS_KEY"), "credential");
    assert_eq!(of("MY_SERVICE_TOKEN"), "credential");
    assert_eq!(of("ANTHROPIC_API_KEY"), "credential agent_state");
    assert_eq!(of("HTTPS_PROXY"), "proxy");
    assert_eq!(of("TZ"), "locale");
    assert_eq!(of("LC_ALL"), "locale");
    assert_eq!(of("HOSTNAME"), "host_identity");
    assert_eq!(of("JSC_useJIT"), "noise");
    assert_eq!(of("HOME"), "environment");
    assert_eq!(of("HOME"), "environment", "remembered");
}

#[test]
fn endpoints_have_their_classes() {
    let of = |input: Input| judge(&[input]).remove(0).classes.iter().map(Class::name).collect::<Vec<_>>().join(" ");
    let ip = |address: &str| of(Actor::new(1).connect(&sockaddr(address.parse().unwrap()), 0));
    assert_eq!(ip("127.0.0.1:80"), "local_endpoint");
    assert_eq!(ip("[::1]:80"), "local_endpoint");
    assert_eq!(ip("[::ffff:127.0.0.1]:80"), "local_endpoint");
    assert_eq!(ip("8.8.8.8:53"), "other_endpoint");
    assert_eq!(ip("169.254.169.254:80"), "credential");
    let unix = |path: &str| of(Actor::new(1).connect(format!("\u{1}\0{path}").as_bytes(), 0));
    assert_eq!(unix("/var/run/nscd/socket"), "noise");
    assert_eq!(unix("/tmp/ssh-abc/agent.12"), "credential");
    assert_eq!(unix("/run/docker.sock"), "persistence");
    assert_eq!(unix("/run/user/1000/bus"), "local_endpoint");
    assert_eq!(of(Actor::new(1).connect(b"\x10\0\0\0", 0)), "", "netlink is no endpoint");
}

#[test]
fn endpoints_are_known_by_name() {
    let rules = Rules::new().unwrap();
    let of = |name: &str, port: u16| {
        let endpoint = Endpoint { name: Some(name.as_bytes()), port: Some(port), ..Endpoint::default() };
        rules.endpoint(&endpoint).iter().map(Class::name).collect::<Vec<_>>().join(" ")
    };
    for name in [
        "api.anthropic.com",
        "api.openai.com",
        "chatgpt.com",
        "generativelanguage.googleapis.com",
        "cloudcode-pa.googleapis.com",
        "us-central1-aiplatform.googleapis.com",
        "api.githubcopilot.com",
        "api.individual.githubcopilot.com",
        "dashscope.aliyuncs.com",
        "coding-intl.dashscope.aliyuncs.com",
        "api2.cursor.sh",
        "agent.api5.cursor.sh",
        "api3.qoder.sh",
        "opencode.ai",
        "openrouter.ai",
        "bedrock-runtime.eu-central-1.amazonaws.com",
        "mine.openai.azure.com",
        "vpce-0a1b-2c3d.bedrock-runtime.eu-central-1.vpce.amazonaws.com",
        "bedrock-mantle.us-east-1.api.aws",
        "inference.generativeai.eu-frankfurt-1.oci.oraclecloud.com",
        "token-plan-sgp.xiaomimimo.com",
        "router.requesty.ai",
        "radius.pi.dev",
        "API.Anthropic.Com",
    ] {
        assert_eq!(of(name, 443), "model_endpoint", "{name}");
    }
    for name in [
        "statsig.anthropic.com",
        "o1.ingest.us.sentry.io",
        "http-intake.logs.us5.datadoghq.com",
        "play.googleapis.com",
        "api.segment.io",
        "us.i.posthog.com",
        "cdn.growthbook.io",
        "ab.chatgpt.com",
        "telemetry.individual.githubcopilot.com",
        "mobile.events.data.microsoft.com",
        "telemetry.go.dev",
        "x.rum.aliyuncs.com",
        "otel.cline.bot",
        "browser-intake-us5-datadoghq.com",
        "browser-intake-datadoghq.eu",
        "bun.report",
        "pi.dev",
    ] {
        assert_eq!(of(name, 443), "telemetry_endpoint", "{name}");
    }
    for name in [
        "registry.npmjs.org",
        "pypi.org",
        "index.crates.io",
        "proxy.golang.org",
        "rubygems.org",
        "repo.maven.apache.org",
        "deb.debian.org",
        "registry-1.docker.io",
        "release-assets.githubusercontent.com",
    ] {
        assert_eq!(of(name, 443), "package_registry", "{name}");
    }
    assert_eq!(of("collector.corp.example", 4317), "telemetry_endpoint");
    assert_eq!(of("localhost", 8080), "local_endpoint");
    assert_eq!(of("github.com", 443), "other_endpoint");
    assert_eq!(of("api.anthropic.com.attacker.example", 443), "other_endpoint");
}

#[test]
fn a_question_to_a_name_server_touches_whom_it_is_about() {
    let classes = |name: &str| {
        let input = Actor::new(1).dns(false, &sockaddr("192.0.2.53:53".parse().unwrap()), &question(name));
        judge(&[input]).remove(0).classes.iter().map(Class::name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(classes("statsig.anthropic.com"), "telemetry_endpoint");
    assert_eq!(classes("api.anthropic.com"), "model_endpoint");
    assert_eq!(classes("www.example.org"), "other_endpoint");
}

#[test]
fn the_summary_says_what_endpoints_are_for() {
    let server = sockaddr("192.0.2.53:53".parse().unwrap());
    let mut actor = Actor::new(1);
    let inputs: Vec<Input> = ["API.anthropic.com", "statsig.anthropic.com", "registry.npmjs.org", "www.example.org"]
        .into_iter()
        .map(|name| actor.dns(false, &server, &question(name)))
        .collect();
    let mut summary = agentsnoop_pipeline::Summary::default();
    judge(&inputs).iter().for_each(|record| summary.add(record));
    let lines = summary.lines(100);
    for expected in [
        "    model_endpoint   api.anthropic.com",
        "    telemetry_endpoint  statsig.anthropic.com",
        "    package_registry registry.npmjs.org",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:#?}");
    }
}

/// A question about the address of a name (RFC 1035, 4).
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}

#[test]
fn an_address_with_a_name_has_the_classes_of_both() {
    let rules = Rules::new().unwrap();
    let endpoint = |name: &'static str, address: &str, port| Endpoint {
        name: Some(name.as_bytes()),
        address: Some(address.parse().unwrap()),
        port: Some(port),
        path: None,
    };
    let of = |endpoint| rules.endpoint(&endpoint).iter().map(Class::name).collect::<Vec<_>>().join(" ");
    // The target asked of a proxy on this machine.
    assert_eq!(of(endpoint("api.anthropic.com", "127.0.0.1", 8399)), "model_endpoint local_endpoint");
    assert_eq!(of(endpoint("statsig.anthropic.com", "192.0.2.1", 443)), "telemetry_endpoint");
    assert_eq!(of(endpoint("localhost", "127.0.0.1", 11434)), "model_endpoint local_endpoint");
}

#[test]
fn what_is_explained_is_what_is_judged() {
    let mut rules = Rules::new().unwrap();
    let kept = |whys: Vec<Why>| whys.iter().filter(|why| !why.yields).map(|why| why.class).collect();
    for path in [
        "/home/u/.aws/credentials",
        "/home/u/p/.env",
        "/home/u/p/x",
        "/tmp/claude-1000/x",
        "/tmp/claude-1000",
        "/usr/lib/x",
        "/usr",
        "/x/key.pem",
        "/usr/x.pem",
        "/home/u/.mozilla/firefox/p/logins.json",
        "/home/u/.config/chromium/Default/Cookies",
        "/proc/self/stat",
        "/proc/7/stat",
        "/etc/x",
    ] {
        let explained: Classes = kept(rules.explain_path(path.as_bytes(), Some(b"/home/u/p")));
        assert_eq!(rules.path(path.as_bytes(), Some(b"/home/u/p")), explained, "{path}");
    }
    for name in ["HOME", "ANTHROPIC_API_KEY", "LC_ALL", "JSC_x"] {
        let explained: Classes = kept(rules.explain_variable(name.as_bytes()));
        assert_eq!(rules.variable(name.as_bytes()), explained, "{name}");
    }
    for (sort, rule) in rules.list() {
        assert!(!rule.reason.is_empty() && !rule.pattern.is_empty(), "{sort} {rule:?}");
    }
    let why = rules.explain_path(b"/home/u/.aws/credentials", None).remove(0);
    assert_eq!((why.pattern.as_str(), why.file.as_str()), ("**/.aws/credentials", "classes.toml"));
}

/// Every sort of thing that sessions of real agents touched, with its classes, reviewed by eye (tests/data/README.md).
const SESSIONS: &str = include_str!("../../../../tests/data/classes/sessions.txt");

#[test]
fn what_real_sessions_touched_has_the_classes_that_were_reviewed() {
    let mut rules = Rules::new().unwrap();
    let project = Some(&b"/home/u/run/project"[..]);
    let (mut all, mut unknown, mut wrong) = (0, Vec::new(), Vec::new());
    for line in SESSIONS.lines() {
        let [sort, expected, thing] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let name = thing.as_bytes();
        let classes = match sort {
            "path" => rules.path(name, project),
            "variable" => rules.variable(name),
            "name" => rules.endpoint(&Endpoint { name: Some(name), ..Endpoint::default() }),
            "socket" => rules.endpoint(&Endpoint { path: Some(name), ..Endpoint::default() }),
            other => panic!("{other}"),
        };
        let names = classes.iter().map(Class::name).collect::<Vec<_>>().join(" ");
        let names = if names.is_empty() { "-" } else { &names };
        if names != expected {
            wrong.push(format!("{sort} {thing}: {names}, and not {expected}"));
        }
        all += 1;
        if ["-", "other_endpoint"].contains(&names) {
            unknown.push(thing);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(all > 1000 && unknown.len() * 100 < all, "of {all} nothing is known of {unknown:?}");
}

#[test]
fn no_ordinary_file_of_a_project_is_a_credential() {
    for path in [
        "/home/u/p/.env.example",
        "/home/u/p/.env.sample",
        "/home/u/p/src/token.rs",
        "/home/u/p/secrets.md",
        "/home/u/p/docs/credentials.md",
        "/home/u/p/tokenizer.json",
        "/home/u/p/src/password.py",
        "/home/u/p/lib/auth.json.ts",
        "/home/u/p/keys.rs",
        "/home/u/p/node_modules/x/test/key.pem",
        "/usr/share/doc/x/cert.pem",
        "/usr/local/etc/openssl/cert.pem",
        "/home/u/p/.env.schema",
        "/home/u/p/.venv/lib/python3.11/site-packages/certifi/cacert.pem",
        "/home/u/p/package.json",
        "/home/u/p/config.toml",
        "/home/u/p/environment.yml",
    ] {
        assert!(!Rules::new().unwrap().path(path.as_bytes(), Some(b"/home/u/p")).contains(Class::Credential), "{path}");
    }
}

#[test]
fn a_datagram_socket_that_is_connected_to_port_0_is_noise_and_no_endpoint() {
    let connect = |port: &str, protocol: u16, kind: u16| {
        let address = sockaddr(format!("8.8.8.8:{port}").parse().unwrap());
        let fixed = body::Connect { socket_type: kind, protocol, ..body::Connect::default() };
        let input = Actor::new(1).raw(&Wire::Connect(fixed, Str { bytes: &address, state: TextState::Complete }));
        judge(&[input]).remove(0).classes.iter().map(Class::name).collect::<Vec<_>>().join(" ")
    };
    // IPPROTO_UDP on SOCK_DGRAM and IPPROTO_TCP on SOCK_STREAM (linux/in.h, linux/net.h).
    assert_eq!(connect("0", 17, 2), "noise");
    assert_eq!(connect("53", 17, 2), "other_endpoint");
    assert_eq!(connect("0", 6, 1), "other_endpoint");
}

#[test]
fn every_class_has_a_name_that_reads_back() {
    for class in Class::ALL {
        assert_eq!(class.name().parse::<Class>(), Ok(class));
    }
    assert_eq!(
        "credentials".parse::<Class>().unwrap_err(),
        "`credentials` is no resource class; did you mean `credential`?"
    );
    assert!("x".parse::<Class>().unwrap_err().contains("expected one of off_limits, credential,"));
}

/// Rules with a file of a user.
fn with(content: &str) -> Result<Rules, String> {
    let source = Source { name: "mine.toml".to_owned(), content: content.to_owned() };
    Rules::with(&[source]).map_err(|error| error.to_string())
}

#[test]
fn a_file_with_an_error_is_told_by_line_and_what_was_expected() {
    let error = |content: &str| with(content).unwrap_err();
    let rule = |pattern: &str| format!("[[path]]\nclass = 'noise'\npatterns = [\n  '/a',\n  '{pattern}',\n]\n");
    assert_eq!(
        error(&rule("etc/x")),
        "mine.toml:5: class `noise`: the pattern `etc/x` must begin with `/` or `**/`, as `**/etc/x` does for any folder"
    );
    assert!(error(&rule("~/x")).contains("as `**/x` does"), "{}", error(&rule("~/x")));
    assert!(error(&rule("/etc/[")).starts_with("mine.toml:5: class `noise`: the pattern `/etc/[` cannot be read: "));
    assert_eq!(
        error("[[path]]\nclass = 'nose'\npatterns = ['/x']\n"),
        "mine.toml:2: `nose` is no resource class; did you mean `noise`?"
    );
    let misspelt = error("[[path]]\nclass = 'noise'\npatern = ['/x']\n");
    assert!(misspelt.starts_with("mine.toml:3: unknown field `patern`, expected one of `class`, "), "{misspelt}");
    assert!(misspelt.ends_with("did you mean `patterns`?"), "{misspelt}");
    let port = error("\n[[endpoint]]\nclass = 'model_endpoint'\nnames = ['llm.corp.example:8443']\n");
    assert!(
        port.starts_with(
            "mine.toml:2: class `model_endpoint`: the name `llm.corp.example:8443` cannot be used: a port"
        ),
        "{port}"
    );
    assert!(error("[[allowed]]\nreason = 'x'\n").starts_with("mine.toml:1: class `allowed_endpoint`: it says neither"));
    assert!(
        error("[[endpoint]]\nclass = 'noise'\nnetworks = ['10.0.0.0/33']\n")
            .starts_with("mine.toml:3: `10.0.0.0/33` is no range")
    );
    let whole = |path: &str| error(&format!("\n[[off_limits]]\npaths = ['/srv/a', '{path}']\n"));
    assert_eq!(
        whole("/"),
        "mine.toml:3: class `off_limits`: the path `/` would put everything off limits; expected a folder"
    );
    assert!(whole("").contains("the path `` would put everything"), "{}", whole(""));
    let long = format!("# {}\n", "x".repeat(300_000));
    assert_eq!(error(&long), "mine.toml: it is too long; expected at most 262144 bytes");
    let many = format!("[[path]]\nclass = 'noise'\npatterns = [{}]\n", "'/x',".repeat(5000));
    assert_eq!(error(&many), "mine.toml: it has 5000 patterns and names; expected at most 4096");
    assert!(error("x = 1\n[[").starts_with("mine.toml:2: "));
}

#[test]
fn users_extend_the_rules() {
    let mut rules = with(
        "[[off_limits]]\nreason = 'not ours'\npaths = ['/home/u/customer', '**/secret-*/']\n\
         [[allowed]]\nnames = ['git.corp.example', '*.build.corp.example']\n\
         [[allowed]]\nnetworks = ['10.0.0.0/8']\nports = [3128]\n\
         [[endpoint]]\nclass = 'model_endpoint'\nnetworks = ['127.0.0.1']\nports = [8399]\n\
         [[path]]\nclass = 'credential'\npatterns = ['**/vault.db']\n\
         [[variable]]\nclass = 'credential'\nnames = ['BADGE']\n",
    )
    .unwrap();
    let path = |path: &str| {
        rules.path(path.as_bytes(), Some(b"/home/u/customer/p")).iter().map(Class::name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(path("/home/u/customer"), "off_limits");
    assert_eq!(path("/home/u/customer/p/.env"), "off_limits credential project_file");
    assert_eq!(path("/home/u/customers/x"), "user_file");
    assert_eq!(path("/srv/secret-a/x"), "off_limits");
    assert_eq!(path("/srv/secret-a"), "off_limits");
    assert_eq!(path("/srv/vault.db"), "credential");
    let at = |name: &str, address: &str, port: u16| {
        let name = (!name.is_empty()).then_some(name.as_bytes());
        let endpoint = Endpoint { name, address: address.parse().ok(), port: Some(port), path: None };
        rules.endpoint(&endpoint).iter().map(Class::name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(at("git.corp.example", "192.0.2.1", 22), "allowed_endpoint");
    assert_eq!(at("", "192.0.2.1", 22), "other_endpoint");
    assert_eq!(at("", "10.1.2.3", 3128), "allowed_endpoint");
    assert_eq!(at("", "10.1.2.3", 80), "other_endpoint");
    assert_eq!(at("", "127.0.0.1", 8399), "model_endpoint local_endpoint");
    assert_eq!(at("api.anthropic.com", "10.1.2.3", 3128), "model_endpoint allowed_endpoint");
    assert_eq!(rules.variable(b"BADGE"), Class::Credential.into());
}

#[test]
fn a_record_carries_its_classes() {
    let record = judge(&[Actor::new(1).open("/home/u/.aws/credentials")]).remove(0);
    assert!(matches!(record.body, Body::Open(_)) && record.classes.contains(Class::Credential));
}

//! Messages to and from name servers, and the names that they give to endpoints.

use std::net::IpAddr;

use agentsnoop_pipeline::{
    Record,
    event::dns::parse,
    input::{Control, Input, Why},
    record::{Body, Connect, Dns, NameSource, State},
    synthetic::{Actor, sockaddr},
};
use monitor_common::{TextState, limits::DNS_BYTES};
use proptest::prelude::*;

use crate::common::{judge, run};

const A: u16 = 1;
const CNAME: u16 = 5;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const HTTPS: u16 = 65;

/// A name as labels (RFC 1035, 3.1).
fn name(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> = labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

/// A message: flags and response code, a question, and answers of owner, type and data.
fn message(flags: u16, question: &str, qtype: u16, answers: &[(&str, u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0x1234, flags, 1, answers.len() as u16, 0, 0] {
        bytes.extend(u16::to_be_bytes(word));
    }
    bytes.extend(name(question));
    bytes.extend([qtype.to_be_bytes(), [0, 1]].concat());
    for (owner, rtype, data) in answers {
        bytes.extend(name(owner));
        bytes.extend([rtype.to_be_bytes(), [0, 1], [0, 0], [0, 60], (data.len() as u16).to_be_bytes()].concat());
        bytes.extend(data);
    }
    bytes
}

const QUERY: u16 = 0x0100;
const RESPONSE: u16 = 0x8180;

fn shown(dns: &Dns) -> Vec<String> {
    dns.answers.iter().map(|answer| answer.to_str().into_owned()).collect()
}

fn dns(records: &[Record]) -> Vec<&Dns> {
    records.iter().filter_map(|record| if let Body::Dns(dns) = &record.body { Some(&**dns) } else { None }).collect()
}

fn connects(records: &[Record]) -> Vec<&Connect> {
    records
        .iter()
        .filter_map(|record| if let Body::Connect(connect) = &record.body { Some(connect) } else { None })
        .collect()
}

fn named(connect: &Connect) -> Option<(String, NameSource)> {
    Some((connect.name.as_ref()?.to_str().into_owned(), connect.name_source?))
}

fn server() -> Vec<u8> {
    sockaddr("10.0.0.53:53".parse().unwrap())
}

#[test]
fn a_question_and_its_answer_say_what_was_asked_and_what_came() {
    let mut actor = Actor::new(1);
    let alias = vec![
        ("api.example.com", CNAME, name("edge.example.net")),
        ("edge.example.net", A, vec![192, 0, 2, 7]),
        ("edge.example.net", A, vec![192, 0, 2, 8]),
    ];
    let question = message(QUERY, "api.example.com", A, &[]);
    let answer = message(RESPONSE, "api.example.com", A, &alias);
    let records = judge(&[run(1), actor.dns(false, &server(), &question), actor.dns(true, &server(), &answer)]);
    let [asked, told] = dns(&records)[..] else { panic!("{records:?}") };
    assert_eq!(asked.question.as_ref().unwrap().to_str(), "api.example.com");
    assert_eq!((asked.r#type.as_deref(), asked.response, asked.answers.len()), (Some("A"), false, 0));
    assert_eq!((asked.server, asked.port), (Some("10.0.0.53".parse().unwrap()), Some(53)));
    assert_eq!(shown(told), ["edge.example.net", "192.0.2.7", "192.0.2.8"]);
    assert!(told.response && told.answers_state == State::Complete && told.error.is_none());
}

#[test]
fn answers_of_many_types_are_texts() {
    let https =
        [&[0, 1, 0][..], &[0, 1, 0, 3, 2, b'h', b'2'], &[0, 4, 0, 4, 192, 0, 2, 9], &[0, 5, 0, 2, 1, 2]].concat();
    let answers = vec![
        ("x.example", TXT, [&[2][..], b"ab", &[3], b"c\x1b\xff"].concat()),
        ("x.example", AAAA, "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec()),
        ("x.example", HTTPS, https),
        ("x.example", 15, [&[0, 10][..], &name("mail.x.example")].concat()),
        ("x.example", 999, vec![0; 5]),
    ];
    let read = parse(&message(RESPONSE, "x.example", HTTPS, &answers)).unwrap();
    let texts: Vec<_> = read.answers.iter().map(|answer| answer.as_bytes().to_vec()).collect();
    assert_eq!(texts[0], b"abc\x1b\xff");
    let texts: Vec<_> = texts[1..].iter().map(|text| String::from_utf8(text.clone()).unwrap()).collect();
    assert_eq!(texts, ["2001:db8::1", "1 . alpn=h2 ipv4hint=192.0.2.9 ech", "10 mail.x.example", "TYPE999 (5 bytes)"]);
    let addresses: Vec<IpAddr> = vec!["2001:db8::1".parse().unwrap(), "192.0.2.9".parse().unwrap()];
    assert_eq!((read.r#type.as_deref(), read.addresses), (Some("HTTPS"), addresses));
}

#[test]
fn what_is_odd_in_a_name_is_shown_escaped() {
    let odd = message(QUERY, "a b\u{1b}[2J\u{e9}\\", 255, &[]);
    let read = parse(&odd).unwrap();
    assert_eq!(read.question.unwrap().to_str(), "a\\ b\\027[2J\\195\\169\\\\");
    assert_eq!(read.r#type.as_deref(), Some("ANY"));
    assert_eq!(parse(&message(QUERY, "", 2, &[])).unwrap().question.unwrap().to_str(), ".");
    let long = [&message(QUERY, "", A, &[])[..12], &[63; 64 * 5], &[0, 0, 1, 0, 1]].concat();
    assert_eq!(parse(&long), None, "a name of more than 255 bytes");
    let endless = [&message(QUERY, "", A, &[])[..12], &[0xc0, 12, 0, 1, 0, 1]].concat();
    assert_eq!(parse(&endless), None, "a name that points to itself");
}

#[test]
fn a_response_code_and_what_is_no_message_are_told() {
    let mut actor = Actor::new(1);
    let absent = message(RESPONSE | 3, "nowhere.example", A, &[]);
    let inputs = [run(1), actor.dns(true, &server(), &absent), actor.dns(false, &server(), b"GET / HTTP")];
    let records = judge(&inputs);
    let [absent, other] = dns(&records)[..] else { panic!("{records:?}") };
    assert_eq!(absent.error.as_deref(), Some("NXDOMAIN"));
    assert!(other.malformed && other.question.is_none() && !absent.malformed);
}

#[test]
fn of_a_cut_message_everything_before_the_cut_is_read() {
    let addresses: Vec<_> = (0..9).map(|at| ("many.example", A, vec![192, 0, 2, at])).collect();
    let whole = message(RESPONSE, "many.example", A, &addresses);
    let mut before = 0;
    for len in 30..whole.len() {
        let read = parse(&whole[..len]).unwrap();
        assert_eq!(read.question.unwrap().to_str(), "many.example");
        assert!(read.answers.len() >= before && !read.is_whole, "at {len}");
        before = read.answers.len();
    }
    let mut actor = Actor::new(1);
    let records = judge(&[run(1), actor.dns_in(true, &server(), &whole[..whole.len() - 1], TextState::Cut)]);
    let [read] = dns(&records)[..] else { panic!("{records:?}") };
    assert_eq!((read.answers.len(), read.answers_state, read.question_state), (8, State::Cut, State::Complete));
    assert_eq!(before, 8);
}

#[test]
fn a_short_message_that_unpacks_to_a_long_text_is_cut() {
    let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
    let mut bomb = message(RESPONSE, &long, CNAME, &[]);
    bomb[7] = 120;
    for _ in 0..120 {
        bomb.extend([0xc0, 12, 0, CNAME as u8, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12]);
    }
    assert!(bomb.len() < DNS_BYTES);
    let read = parse(&bomb).unwrap();
    assert!(!read.is_whole);
    assert!(read.answers.iter().map(|answer| answer.as_bytes().len()).sum::<usize>() <= 8 * 1024);
}

#[test]
fn the_connect_after_an_answer_has_the_name_that_was_asked_for() {
    let mut actor = Actor::new(1);
    // The chain comes out of its order, and somebody else's address comes with it.
    let answers = vec![
        ("b.example", A, vec![192, 0, 2, 7]),
        ("a.example", CNAME, name("b.example")),
        ("API.example.com", CNAME, name("A.example")),
        ("bank.example", A, vec![192, 0, 2, 66]),
    ];
    let peer = |address: &str| sockaddr(address.parse().unwrap());
    let mut other = Actor::new(900);
    let inputs = [
        run(1),
        Input::Control(Control::Track { pid: 900, why: Why::Pid }),
        actor.connect(&peer("192.0.2.7:443"), 0),
        actor.dns(true, &server(), &message(RESPONSE, "Api.Example.com", A, &answers)),
        actor.connect(&peer("192.0.2.7:443"), -115),
        actor.connect(&peer("192.0.2.66:443"), 0),
        other.follow(&actor).connect(&peer("192.0.2.7:443"), 0),
    ];
    let records = judge(&inputs);
    let names: Vec<_> = connects(&records).into_iter().map(named).collect();
    let api = Some(("api.example.com".to_owned(), NameSource::Dns));
    assert_eq!(names, [None, api, None, None], "before, after, an address of another name, another tree");
    assert_eq!(judge(&inputs), records, "a replay gives the same");
    let mut line = String::new();
    agentsnoop_pipeline::Lines::default().render(
        records.iter().find(|record| matches!(&record.body, Body::Connect(connect) if connect.name.is_some())).unwrap(),
        &mut line,
    );
    assert!(line.contains("api.example.com (dns) 192.0.2.7:443"), "{line}");
    let mut summary = agentsnoop_pipeline::Summary::default();
    records.iter().for_each(|record| summary.add(record));
    assert!(summary.lines(120).iter().any(|line| line.contains("api.example.com (dns) 192.0.2.7:443")));
}

#[test]
fn only_a_response_that_was_received_names_an_address() {
    let mut actor = Actor::new(1);
    let answers = vec![("x.example", A, vec![192, 0, 2, 7])];
    let connect = |actor: &mut Actor| actor.connect(&sockaddr("192.0.2.7:443".parse().unwrap()), 0);
    let inputs = [
        run(1),
        actor.dns(false, &server(), &message(RESPONSE, "x.example", A, &answers)),
        connect(&mut actor),
        actor.dns(true, &server(), &message(QUERY, "x.example", A, &answers)),
        connect(&mut actor),
    ];
    let records = judge(&inputs);
    assert_eq!(connects(&records).into_iter().map(named).collect::<Vec<_>>(), [None, None]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_the_reader_of_messages_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&bytes);
        // Behind a header that promises records, more of it is looked at.
        let _ = parse(&[&[0, 0, 0x81, 0x80, 0, 1, 0, 9, 0, 1, 0, 1, 0, 0, 1, 0, 1][..], &bytes].concat());
    }

    #[test]
    fn no_record_data_makes_it_panic(
        rtype in prop_oneof![0u16..70, any::<u16>()],
        data in proptest::collection::vec(prop_oneof![Just(0u8), Just(0xc0), 0u8..20, any::<u8>()], 0..80),
        at in 0usize..120, with in any::<u8>(),
    ) {
        let mut bytes = message(RESPONSE, "a.example", rtype, &[("a.example", rtype, data.clone()), ("a.example", A, vec![1, 2, 3, 4])]);
        prop_assert_eq!(parse(&bytes).unwrap().answers.len() , 2);
        let last = bytes.len() - 1;
        bytes[at.min(last)] = with;
        let _ = parse(&bytes);
    }
}

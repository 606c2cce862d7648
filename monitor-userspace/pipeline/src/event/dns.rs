//! Messages of the domain name system (RFC 1035), of which only the head may have come.

use std::{borrow::Cow, fmt::Write as _, net::IpAddr};

use domain::{
    base::{Message as Wire, ParsedName, ParsedRecord, iana::OptRcode},
    rdata::{AllRecordData, svcb::value::AllValues},
};

use crate::record::Text;

/// Answers of a message that are read: more than fit [`monitor_common::limits::DNS_BYTES`] in use. The rest is left out,
/// and [`Message::is_whole`] says so.
const ANSWERS: usize = 128;

/// Bytes of text of all answers of a message. A message can repeat a long name by two bytes (RFC 1035, 4.1.4), so that its
/// text is many times as long as itself. What is beyond is left out, and [`Message::is_whole`] says so.
const ANSWER_BYTES: usize = 8 * 1024;

/// CNAMEs that are followed from one question; resolvers give up at 11 (Unbound, BIND). What is beyond names no address.
const ALIASES: usize = 16;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The name asked for: ASCII, without its last dot, other bytes as `\DDD` (RFC 4343, 2.1). Absent in a message without
    /// a question. Of several questions, which no resolver sends (RFC 9619), it is the first.
    pub question: Option<Text>,
    /// The type asked for, by its mnemonic or as `TYPEn` (RFC 3597).
    pub r#type: Option<Cow<'static, str>>,
    /// The data of the answers; see `answer`.
    pub answers: Vec<Text>,
    /// Whether every answer is among `answers`.
    pub is_whole: bool,
    /// Whether it is a response by its own words.
    pub is_response: bool,
    /// The response code, where it is not `NOERROR`.
    pub error: Option<Cow<'static, str>>,
    /// The addresses that the name asked for has by this message, CNAMEs followed. An address of another name is not among
    /// them.
    pub addresses: Vec<IpAddr>,
}

type Name<'a> = ParsedName<&'a [u8]>;
type Data<'a> = AllRecordData<&'a [u8], Name<'a>>;

/// Reads a message; `None` for bytes that are none: shorter than a header, or with a question that cannot be read.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let wire = Wire::from_slice(bytes).ok()?;
    let header = wire.header();
    let mut questions = wire.question();
    let question = questions.next().transpose().ok()?;
    let mut message = Message { is_response: header.qr(), ..Message::default() };
    let name = question.map(|question| {
        message.r#type = Some(Cow::Owned(question.qtype().to_string()));
        message.question = Some(Text::from(written(question.qname())));
        *question.qname()
    });
    let rcode = wire.opt_rcode();
    if header.qr() && rcode != OptRcode::NOERROR {
        message.error = Some(Cow::Owned(rcode.to_string()));
    }
    let mut records = Vec::new();
    message.is_whole = match wire.answer() {
        Ok(section) => collect(section, &mut records),
        // A question behind the first cannot be read: there is no telling where the answers begin.
        Err(_) => wire.header_counts().ancount() == 0,
    };
    let mut room = ANSWER_BYTES;
    for (record, data) in &records {
        let text = answer(record, data.as_ref());
        let Some(rest) = room.checked_sub(text.as_bytes().len()) else {
            message.is_whole = false;
            break;
        };
        room = rest;
        message.answers.push(text);
    }
    if let Some(name) = name {
        message.addresses = addresses(name, &records);
    }
    Some(message)
}

/// A record with its data, where that can be read.
type Answer<'a> = (ParsedRecord<'a, [u8]>, Option<Data<'a>>);

/// Reads the records of a section; whether these are all.
fn collect<'a>(
    section: impl Iterator<Item = Result<ParsedRecord<'a, [u8]>, domain::base::wire::ParseError>>,
    records: &mut Vec<Answer<'a>>,
) -> bool {
    for record in section {
        if records.len() == ANSWERS {
            return false;
        }
        let Ok(record) = record else { return false };
        let data = record.to_any_record::<Data<'a>>().ok().map(domain::base::Record::into_data);
        records.push((record, data));
    }
    true
}

/// The data of an answer: an address, a name, the bytes of a text; for other types what a zone file has (RFC 1035, 5), for
/// long ones only the type and the length.
fn answer(record: &ParsedRecord<'_, [u8]>, data: Option<&Data<'_>>) -> Text {
    match data {
        Some(AllRecordData::A(a)) => Text::from(a.addr().to_string()),
        Some(AllRecordData::Aaaa(aaaa)) => Text::from(aaaa.addr().to_string()),
        Some(AllRecordData::Cname(cname)) => Text::from(written(cname.cname())),
        Some(AllRecordData::Ns(ns)) => Text::from(written(ns.nsdname())),
        Some(AllRecordData::Ptr(ptr)) => Text::from(written(ptr.ptrdname())),
        Some(AllRecordData::Dname(dname)) => Text::from(written(dname.dname())),
        Some(AllRecordData::Mx(mx)) => Text::from(format!("{} {}", mx.preference(), written(mx.exchange()))),
        Some(AllRecordData::Srv(srv)) => {
            Text::from(format!("{} {} {} {}", srv.priority(), srv.weight(), srv.port(), written(srv.target())))
        }
        // A text in several parts is one text to those who use it (RFC 7208, 3.3).
        Some(AllRecordData::Txt(txt)) => Text::from(txt.iter().collect::<Vec<_>>().concat()),
        Some(AllRecordData::Svcb(svcb)) => service(svcb.priority(), svcb.target(), svcb.params().iter_all()),
        Some(AllRecordData::Https(https)) => service(https.priority(), https.target(), https.params().iter_all()),
        _ => Text::from(format!("{} ({} bytes)", record.rtype(), record.rdlen())),
    }
}

/// A service (RFC 9460): priority, target, and what of its parameters tells where a client goes.
fn service<'a, E>(
    priority: u16,
    target: &Name<'_>,
    values: impl Iterator<Item = Result<AllValues<&'a [u8]>, E>>,
) -> Text {
    let mut text = format!("{priority} {}", written(target));
    for value in values.filter_map(Result::ok) {
        match value {
            AllValues::Alpn(_) | AllValues::Port(_) | AllValues::Ipv4Hint(_) | AllValues::Ipv6Hint(_) => {
                // Writing to a String cannot fail.
                let _ = write!(text, " {value}");
            }
            AllValues::Ech(_) => text.push_str(" ech"),
            _ => {}
        }
    }
    Text::from(text)
}

/// A name without its last dot, except for the root's.
fn written(name: &Name<'_>) -> String {
    let text = name.to_string();
    if text.is_empty() { ".".to_owned() } else { text }
}

/// The addresses of a name and of what it is an alias of.
fn addresses(question: Name<'_>, records: &[Answer<'_>]) -> Vec<IpAddr> {
    let mut names = vec![question];
    // Records need not come in the order of the chain.
    let mut known = 0;
    while known < names.len() && names.len() < ALIASES {
        known = names.len();
        for (record, data) in records {
            if let Some(AllRecordData::Cname(cname)) = data
                && names.contains(&record.owner().deref_octets())
                && !names.contains(cname.cname())
                && names.len() < ALIASES
            {
                names.push(*cname.cname());
            }
        }
    }
    let mut addresses = Vec::new();
    for (record, data) in records {
        if !names.contains(&record.owner().deref_octets()) {
            continue;
        }
        match data {
            Some(AllRecordData::A(a)) => addresses.push(IpAddr::V4(a.addr())),
            Some(AllRecordData::Aaaa(aaaa)) => addresses.push(IpAddr::V6(aaaa.addr())),
            Some(AllRecordData::Svcb(svcb)) => hints(svcb.params().iter_all(), &mut addresses),
            Some(AllRecordData::Https(https)) => hints(https.params().iter_all(), &mut addresses),
            _ => {}
        }
    }
    addresses
}

/// Addresses that a client may use without asking for them (RFC 9460, 7.3).
fn hints<'a, E>(values: impl Iterator<Item = Result<AllValues<&'a [u8]>, E>>, addresses: &mut Vec<IpAddr>) {
    for value in values.filter_map(Result::ok) {
        match value {
            AllValues::Ipv4Hint(hint) => addresses.extend(hint.iter().map(IpAddr::V4)),
            AllValues::Ipv6Hint(hint) => addresses.extend(hint.iter().map(IpAddr::V6)),
            _ => {}
        }
    }
}

//! What a certificate says of itself ("RFC 5280"): whom it is for, who signed it, and when it is valid. Only to describe
//! it: whether it is to be trusted is decided by `rustls`.

use der::{
    Decode, Error, Reader, SliceReader, Tag, TagNumber, Tagged,
    asn1::{AnyRef, GeneralizedTime, UtcTime},
};

use crate::{model::service::round::Certificate, text::clean_bytes};

/// Object ids 2.5.4.3 (common name), 2.5.4.10 (organisation), 2.5.29.17 (subject alternative names).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
const OTHER_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
/// Letters kept of a name.
const LONGEST: usize = 200;

/// Describes a certificate in DER; `None` for what is none.
pub(super) fn describe(der: &[u8]) -> Option<Certificate> {
    read(der).ok().flatten()
}

fn read(der: &[u8]) -> Result<Option<Certificate>, Error> {
    let whole = parts(AnyRef::from_der(der)?)?;
    let Some(signed) = whole.first() else { return Ok(None) };
    let mut signed = parts(*signed)?;
    // The version is left out of the first one.
    if signed.first().is_some_and(|part| is_numbered(part, 0)) {
        signed.remove(0);
    }
    let [_serial, _algorithm, issuer, validity, subject, _key, rest @ ..] = signed.as_slice() else { return Ok(None) };
    let [from, until] = parts(*validity)?[..] else { return Ok(None) };
    let own = match name(*subject)? {
        empty if empty.is_empty() => rest.iter().find_map(|part| other_name(*part).ok().flatten()).unwrap_or_default(),
        own => own,
    };
    Ok(Some(Certificate {
        subject: own,
        issuer: name(*issuer)?,
        self_signed: subject.value() == issuer.value(),
        not_before_unix: unix(from)?,
        not_after_unix: unix(until)?,
    }))
}

/// What a sequence or a set is made of.
fn parts(whole: AnyRef<'_>) -> Result<Vec<AnyRef<'_>>, Error> {
    let mut reader = SliceReader::new(whole.value())?;
    let mut parts = Vec::new();
    while !reader.is_finished() {
        parts.push(AnyRef::decode(&mut reader)?);
    }
    Ok(parts)
}

fn is_numbered(part: &AnyRef<'_>, number: u32) -> bool {
    matches!(part.tag(), Tag::ContextSpecific { number: own, .. } if own == TagNumber(number))
}

fn unix(time: AnyRef<'_>) -> Result<i64, Error> {
    let since = match time.tag() {
        Tag::UtcTime => time.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => time.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The common name, else the organisation; empty without either.
fn name(whole: AnyRef<'_>) -> Result<String, Error> {
    let mut organisation = String::new();
    for set in parts(whole)? {
        for pair in parts(set)? {
            let [kind, value] = parts(pair)?[..] else { continue };
            match kind.value() {
                COMMON_NAME => return Ok(text(value)),
                ORGANISATION => organisation = text(value),
                _ => {}
            }
        }
    }
    Ok(organisation)
}

/// The first name of a host among the extensions.
fn other_name(extensions: AnyRef<'_>) -> Result<Option<String>, Error> {
    if !is_numbered(&extensions, 3) {
        return Ok(None);
    }
    for list in parts(extensions)? {
        for extension in parts(list)? {
            let fields = parts(extension)?;
            if fields.first().is_none_or(|kind| kind.value() != OTHER_NAMES) {
                continue;
            }
            let Some(wrapped) = fields.last() else { continue };
            let names = parts(AnyRef::from_der(wrapped.value())?)?;
            return Ok(names.into_iter().find(|name| is_numbered(name, 2)).map(text));
        }
    }
    Ok(None)
}

fn text(value: AnyRef<'_>) -> String {
    clean_bytes(value.value()).chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};

    use super::*;

    /// Of `O=Lab, CN=nas.lan`, from 2020 to 2099; and one that has no name of its own but `DNS:short.lan`, until 2061.
    const NAMED: &str = include_str!("testing/self_signed.pem");
    const UNNAMED: &str = include_str!("testing/unnamed.pem");

    fn described(pem: &str) -> Certificate {
        describe(&CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("a certificate")
    }

    #[test]
    fn names_and_dates_are_read() {
        let found = described(NAMED);
        assert_eq!((found.subject.as_str(), found.issuer.as_str(), found.self_signed), ("nas.lan", "nas.lan", true));
        // 2020-01-01 in the form with two digits of the year, 2099-01-01 in that with four.
        assert_eq!((found.not_before_unix, found.not_after_unix), (1_577_836_800, 4_070_908_800));
    }

    #[test]
    fn a_certificate_without_a_name_has_that_of_its_host() {
        let found = described(UNNAMED);
        assert_eq!((found.subject.as_str(), found.issuer.as_str(), found.self_signed), ("short.lan", "Lab CA", false));
    }

    #[test]
    fn without_a_common_name_the_organisation_speaks() {
        /// A value in DER, of less than 128 bytes.
        fn tagged(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
            let value = parts.concat();
            [vec![tag, u8::try_from(value.len()).expect("short")], value].concat()
        }
        let pair = |kind: &[u8], text: &str| {
            tagged(0x31, &[tagged(0x30, &[tagged(0x06, &[kind.to_vec()]), tagged(0x0c, &[text.into()])])])
        };
        let country = pair(&[0x55, 0x04, 0x06], "DE");
        let of = |pairs: &[Vec<u8>]| {
            let whole = tagged(0x30, pairs);
            name(AnyRef::from_der(&whole).expect("a sequence"))
        };
        let (lab, nas) = (pair(ORGANISATION, "Lab\u{1b}"), pair(COMMON_NAME, "nas.lan"));
        assert_eq!(of(&[country.clone(), lab.clone()]), Ok("Lab?".to_owned()));
        assert_eq!(of(&[lab.clone(), nas.clone()]), Ok("nas.lan".to_owned()));
        assert_eq!(of(&[nas, lab]), Ok("nas.lan".to_owned()));
        assert_eq!(of(&[country]), Ok(String::new()));
    }

    #[test]
    fn what_is_no_certificate_is_not_described() {
        let whole = CertificateDer::from_pem_slice(NAMED.as_bytes()).expect("PEM");
        for length in 0..whole.len() {
            assert_eq!(describe(&whole[..length]), None, "{length} bytes");
        }
        let mut wrong = whole.to_vec();
        for at in 0..wrong.len() {
            wrong[at] ^= 0xff;
            let _ = describe(&wrong);
            wrong[at] ^= 0xff;
        }
    }
}

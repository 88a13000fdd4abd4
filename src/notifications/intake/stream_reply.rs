//! Parses Redis replies about stream entries.
//!
//! The parser of the `redis` crate fails the whole batch if one field name is not UTF-8. A mistake of one producer
//! would then block the events of all producers.

use redis::{ErrorKind, ParsingError, RedisError, RedisResult, Value, from_redis_value};

/// One entry. `fields` are `None` if it was deleted from the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StreamEntry {
    pub id: String,
    pub fields: Option<Vec<(Vec<u8>, Vec<u8>)>>,
}

/// Parses the reply to `XREADGROUP` on one stream.
pub(super) fn parse_read(answer: Value) -> RedisResult<Vec<StreamEntry>> {
    let stream = match answer {
        Value::Nil => return Ok(Vec::new()),
        Value::Array(streams) => match streams.into_iter().next() {
            Some(Value::Array(name_and_entries)) => name_and_entries.into_iter().nth(1),
            _ => None,
        },
        Value::Map(streams) => streams.into_iter().next().map(|(_, entries)| entries),
        _ => None,
    };
    entries(stream.ok_or_else(unexpected_reply)?)
}

/// Parses the reply to `XAUTOCLAIM`: the next start id, and the claimed entries.
pub(super) fn parse_claim(answer: Value) -> RedisResult<(String, Vec<StreamEntry>)> {
    let Value::Array(parts) = answer else { return Err(unexpected_reply()) };
    let mut parts = parts.into_iter();
    let (Some(next), Some(claimed)) = (parts.next(), parts.next()) else { return Err(unexpected_reply()) };
    Ok((text(next)?, entries(claimed)?))
}

fn entries(value: Value) -> RedisResult<Vec<StreamEntry>> {
    let Value::Array(values) = value else { return Err(unexpected_reply()) };
    values.into_iter().map(entry).collect()
}

fn entry(value: Value) -> RedisResult<StreamEntry> {
    let Value::Array(parts) = value else { return Err(unexpected_reply()) };
    let mut parts = parts.into_iter();
    let (Some(id), Some(fields)) = (parts.next(), parts.next()) else { return Err(unexpected_reply()) };
    let fields: Option<Vec<Vec<u8>>> = from_redis_value(fields).map_err(parsing_error)?;
    Ok(StreamEntry { id: text(id)?, fields: fields.map(pairs) })
}

fn pairs(items: Vec<Vec<u8>>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut flat = items.into_iter();
    std::iter::from_fn(|| flat.next().zip(flat.next())).collect()
}

fn text(value: Value) -> RedisResult<String> {
    from_redis_value(value).map_err(parsing_error)
}

fn parsing_error(error: ParsingError) -> RedisError {
    error.into()
}

fn unexpected_reply() -> RedisError {
    RedisError::from((ErrorKind::UnexpectedReturnType, "unexpected reply type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &[u8]) -> Value {
        Value::BulkString(text.to_vec())
    }

    #[test]
    fn entries_are_read_whatever_bytes_they_hold() {
        let whole = Value::Array(vec![bulk(b"1-0"), Value::Array(vec![bulk(b"\xff"), bulk(b"\0")])]);
        let gone = Value::Array(vec![bulk(b"2-0"), Value::Nil]);
        let expected = [
            StreamEntry { id: "1-0".to_owned(), fields: Some(vec![(b"\xff".to_vec(), b"\0".to_vec())]) },
            StreamEntry { id: "2-0".to_owned(), fields: None },
        ];
        let entries = Value::Array(vec![whole, gone]);
        let read = Value::Array(vec![Value::Array(vec![bulk(b"key"), entries.clone()])]);
        assert_eq!(parse_read(read).unwrap(), expected);
        assert_eq!(parse_read(Value::Map(vec![(bulk(b"key"), entries.clone())])).unwrap(), expected);
        assert_eq!(parse_read(Value::Nil).unwrap(), []);
        let claim = Value::Array(vec![bulk(b"3-0"), entries, Value::Array(vec![])]);
        let (next, claimed) = parse_claim(claim).unwrap();
        assert_eq!((next.as_str(), &claimed[..]), ("3-0", &expected[..]));
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error() {
        for answer in [Value::Int(1), Value::Array(vec![]), Value::Array(vec![bulk(b"1-0")])] {
            assert!(parse_read(answer.clone()).is_err(), "{answer:?}");
            assert!(parse_claim(answer).is_err());
        }
    }
}

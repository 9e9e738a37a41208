//! Server-sent events, out of a stream of bytes (HTML standard section 9.2.6).

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name (`state`, `progress`); `message` where the server gives none.
    pub(crate) name: String,
    /// Its data, a JSON document here.
    pub(crate) data: String,
}

/// Takes bytes as they come, gives events as they are whole.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    name: String,
    data: String,
}

/// An event of our server is far smaller; what is longer is cut, so that no server can fill the memory.
const MAX_LEN: usize = 1024 * 1024;

impl Parser {
    /// The events that `bytes` completes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_of_line(&String::from_utf8_lossy(&line)));
                }
                b'\r' => {}
                _ if self.line.len() < MAX_LEN => self.line.push(byte),
                _ => {}
            }
        }
        events
    }

    fn end_of_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            if data.is_empty() {
                return None;
            }
            let name = if name.is_empty() {
                "message".to_owned()
            } else {
                name
            };
            return Some(Event { name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" if self.data.len() < MAX_LEN => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // Comments keep the connection alive; ids and retry times are not used.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_arrive_in_any_pieces() {
        let text = b": hello\n\nevent: state\r\ndata: {\"a\":1}\r\n\r\ndata:x\ndata: y\n\nevent: lost\n";
        let whole = Parser::default().push(text);
        let mut parser = Parser::default();
        let pieces: Vec<Event> = text.chunks(1).flat_map(|byte| parser.push(byte)).collect();
        assert_eq!(whole, pieces);
        let event = |name: &str, data: &str| Event {
            name: name.into(),
            data: data.into(),
        };
        assert_eq!(whole, [event("state", "{\"a\":1}"), event("message", "x\ny")]);
    }
}

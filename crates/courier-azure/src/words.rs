//! Foreign words as they may stand in an error.

use url::form_urlencoded;
use zeroize::Zeroizing;

/// The most that is quoted of what somebody else says, bytes.
const LONGEST: usize = 400;

/// In one line, without control characters, and not without end.
#[must_use]
pub fn in_one_line(text: &str) -> String {
    let mut words = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if words.len() + word.len() > LONGEST {
            words.push_str(" …");
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// Do these words hold the secret that was sent to whom they come from, as it is or as a form has it? Then none of them is
/// to be told.
pub(crate) fn hold(words: &str, secret: &str) -> bool {
    let encoded: Zeroizing<String> =
        Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
    !secret.is_empty() && (words.contains(secret) || words.contains(&**encoded))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_become_one() {
        assert_eq!(in_one_line(" a\r\n\tb\u{7}c "), "a b c");
        assert_eq!(in_one_line(""), "");
    }

    #[test]
    fn a_secret_is_found_in_words() {
        assert!(hold("you sent a=+b", "a=+b") && hold("key=a%3D%2Bb", "a=+b"));
        assert!(!hold("you sent a", "a=+b") && !hold("anything", ""));
    }

    proptest! {
        #[test]
        fn words_stay_short(text: String) {
            let words = in_one_line(&text.repeat(9));
            prop_assert!(words.len() < LONGEST + 10 && !words.contains(char::is_control));
        }
    }
}

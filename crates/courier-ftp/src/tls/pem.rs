//! The blocks of a PEM text (RFC 7468), as people paste them: several, in any order, with words between.

/// One block.
pub(super) struct Block<'a> {
    /// `CERTIFICATE`, `PRIVATE KEY`, …
    pub(super) label: &'a str,
    /// From the line that begins it to the one that ends it.
    pub(super) text: &'a str,
}

const DASHES: &str = "-----";

/// The blocks, in their order. The error says which isn't whole, and holds nothing of its content.
pub(super) fn blocks(mut text: &str) -> Result<Vec<Block<'_>>, String> {
    let mut blocks = Vec::new();
    while let Some((_, begun)) = text.split_once("-----BEGIN ") {
        let Some((label, _)) = begun.split_once(DASHES).filter(|(label, _)| is_label(label)) else {
            return Err("a line begins with -----BEGIN and doesn't end with five dashes".to_owned());
        };
        let end = format!("-----END {label}-----");
        let start = text.len() - begun.len() - "-----BEGIN ".len();
        let Some(length) = begun.find(&end) else {
            return Err(format!(
                "the block {label} has a line that begins it, but no {end}"
            ));
        };
        let rest = text.len() - begun.len() + length + end.len();
        blocks.push(Block {
            label,
            text: text.get(start..rest).unwrap_or_default(),
        });
        text = text.get(rest..).unwrap_or_default();
    }
    Ok(blocks)
}

/// Labels are short and made of upper-case words; anything else may be a secret, and is not repeated in an error.
fn is_label(label: &str) -> bool {
    label.len() <= 40
        && label
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_between_words() {
        let text = "my key:\r\n-----BEGIN PRIVATE KEY-----\r\nAAAA\r\n-----END PRIVATE KEY-----\r\nand\n\
                    -----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----";
        let found = blocks(text).unwrap();
        let labels: Vec<_> = found.iter().map(|b| b.label).collect();
        assert_eq!(labels, ["PRIVATE KEY", "CERTIFICATE"]);
        assert_eq!(
            found[0].text,
            "-----BEGIN PRIVATE KEY-----\r\nAAAA\r\n-----END PRIVATE KEY-----"
        );
        assert_eq!(
            found[1].text,
            "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----"
        );
        assert!(blocks("no blocks").unwrap().is_empty());
    }

    #[test]
    fn a_block_cut_short_is_an_error_without_its_content() {
        for text in [
            "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n",
            "-----BEGIN c2VjcmV0-----\n",
            "-----BEGIN c2VjcmV0",
        ] {
            let error = blocks(text).err().unwrap();
            assert!(!error.contains("c2VjcmV0"), "{error}");
        }
    }
}

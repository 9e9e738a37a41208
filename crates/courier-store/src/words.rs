//! Enums that are words: snake_case in records, in the database and in JSON.

/// The text is none of the words that may stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct UnknownWord(pub &'static str);

/// Declares an enum whose values are words: `as_str`, `Display`, `FromStr` and serde, all with the same text.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident = $first_text:literal
        $(, $(#[$doc:meta])* $variant:ident = $text:literal)* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(#[$first_doc])* #[serde(rename = $first_text)] $first,
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &'static [Self] = &[Self::$first $(, Self::$variant)*];

            /// The word, as the API and the database have it.
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_text,
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::UnknownWord> {
                match text {
                    $first_text => Ok(Self::$first),
                    $($text => Ok(Self::$variant),)*
                    _ => Err($crate::UnknownWord(concat!($first_text $(, ", ", $text)*))),
                }
            }
        }
    };
}
pub(crate) use words;

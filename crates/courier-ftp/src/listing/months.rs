//! Names of months, as `ls` prints them in the languages of servers.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GBK, IBM866, ISO_8859_2, ISO_8859_5, ISO_8859_7, KOI8_R, SHIFT_JIS,
    WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254,
};

/// No name is longer, in bytes.
const MAX_LEN: usize = 24;

/// What names that aren't UTF-8 may be written in.
const ALPHABETS: [&Encoding; 10] = [
    WINDOWS_1252,
    WINDOWS_1250,
    ISO_8859_2,
    WINDOWS_1254,
    KOI8_R,
    WINDOWS_1251,
    ISO_8859_5,
    IBM866,
    ISO_8859_7,
    WINDOWS_1253,
];

/// The month of that name, 1 to 12. A point or a comma behind the name is skipped. `None`: it is no month, or
/// different ones in the encodings in which it may be written.
pub(super) fn by_name(word: &[u8]) -> Option<i8> {
    let name = match word {
        [name @ .., b'.', b','] | [name @ .., b'.' | b','] => name,
        name => name,
    };
    if name.len() < 2 || name.len() > MAX_LEN || name.iter().any(u8::is_ascii_digit) {
        return None;
    }
    if let Ok(name) = std::str::from_utf8(name) {
        return of(&name.to_lowercase());
    }
    let mut found = ALPHABETS
        .iter()
        .filter_map(|alphabet| alphabet.decode_without_bom_handling_and_without_replacement(name))
        .filter_map(|name| of(&name.to_lowercase()));
    let month = found.next()?;
    found.all(|other| other == month).then_some(month)
}

/// Whether a number with letters behind it is a year, a month or a day in Chinese, Japanese and Korean listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day,
}

/// Takes the unit off the front of what stands behind a number: `月 5日`, in UTF-8 and in the encodings of those
/// languages.
pub(super) fn unit(text: &[u8]) -> Option<(Unit, &[u8])> {
    const SIGNS: [(Unit, &[&str]); 3] = [
        (Unit::Year, &["年", "년"]),
        (Unit::Month, &["月", "월"]),
        (Unit::Day, &["日", "일", "号"]),
    ];
    // Any of these begins with a byte that isn't ASCII; most lines are done with here.
    if text.first().is_none_or(u8::is_ascii) {
        return None;
    }
    for (unit, signs) in SIGNS {
        for sign in signs {
            if let Some(rest) = text.strip_prefix(sign.as_bytes()) {
                return Some((unit, rest));
            }
        }
    }
    // Two bytes, which must not be different units in two encodings.
    let (head, rest) = text.split_at_checked(2)?;
    let mut found = [SHIFT_JIS, EUC_JP, GBK, BIG5, EUC_KR]
        .into_iter()
        .filter_map(|encoding| encoding.decode_without_bom_handling_and_without_replacement(head))
        .filter_map(|sign| {
            SIGNS
                .iter()
                .find(|(_, signs)| signs.contains(&sign.as_ref()))
                .map(|&(unit, _)| unit)
        });
    let unit = found.next()?;
    found.all(|other| other == unit).then_some((unit, rest))
}

/// English, German, French, Spanish, Italian, Portuguese, Catalan, Dutch, Danish, Norwegian, Swedish, Finnish,
/// Icelandic, Polish, Czech, Slovak, Hungarian, Romanian, Russian, Ukrainian, Bulgarian, Greek and Turkish, short
/// and long. Croatian is not among them: its short names are other months in Czech and Polish.
fn of(name: &str) -> Option<i8> {
    Some(match name {
        "jan"
        | "january"
        | "jän"
        | "januar"
        | "jänner"
        | "janv"
        | "janvier"
        | "ene"
        | "enero"
        | "gen"
        | "gennaio"
        | "gener"
        | "janeiro"
        | "januari"
        | "tammi"
        | "tammikuu"
        | "janúar"
        | "sty"
        | "styczeń"
        | "stycznia"
        | "led"
        | "leden"
        | "ledna"
        | "január"
        | "ian"
        | "ianuarie"
        | "янв"
        | "январь"
        | "января"
        | "січ"
        | "січень"
        | "січня"
        | "яну"
        | "януари"
        | "ιαν"
        | "ιανουάριος"
        | "ιανουαρίου"
        | "oca"
        | "ocak" => 1,
        "feb"
        | "february"
        | "februar"
        | "feber"
        | "févr"
        | "fév"
        | "fevr"
        | "février"
        | "febrero"
        | "febbraio"
        | "febr"
        | "febrer"
        | "fev"
        | "fevereiro"
        | "februari"
        | "helmi"
        | "helmikuu"
        | "febrúar"
        | "lut"
        | "luty"
        | "lutego"
        | "úno"
        | "únor"
        | "února"
        | "február"
        | "februarie"
        | "фев"
        | "февр"
        | "февраль"
        | "февраля"
        | "лют"
        | "лютий"
        | "лютого"
        | "февруари"
        | "φεβ"
        | "φεβρουάριος"
        | "φεβρουαρίου"
        | "şub"
        | "şubat" => 2,
        "mar" | "march" | "mär" | "märz" | "mrz" | "maerz" | "mars" | "marzo" | "março" | "març" | "mrt"
        | "maart" | "marts" | "maalis" | "maaliskuu" | "marzec" | "marca" | "bře" | "březen" | "března"
        | "marec" | "márc" | "március" | "martie" | "мар" | "март" | "марта" | "бер" | "березень"
        | "березня" | "μαρ" | "μάρ" | "μάρτιος" | "μαρτίου" | "mart" => 3,
        "apr" | "april" | "avr" | "avril" | "abr" | "abril" | "aprile" | "huhti" | "huhtikuu" | "apríl"
        | "kwi" | "kwiecień" | "kwietnia" | "dub" | "duben" | "dubna" | "ápr" | "április" | "aprilie"
        | "апр" | "апрель" | "апреля" | "кві" | "квітень" | "квітня" | "април" | "απρ" | "απρίλιος"
        | "απριλίου" | "nis" | "nisan" => 4,
        "may" | "mai" | "mayo" | "mag" | "maggio" | "maio" | "maig" | "mei" | "maj" | "touko"
        | "toukokuu" | "maí" | "maja" | "kvě" | "květen" | "května" | "máj" | "május" | "май" | "мая"
        | "тра" | "травень" | "травня" | "μαϊ" | "μάι" | "μαι" | "μάιος" | "μαΐου" | "mayıs" => {
            5
        }
        "jun" | "june" | "juni" | "juin" | "junio" | "giu" | "giugno" | "junho" | "juny" | "kesä"
        | "kesäkuu" | "jún" | "júní" | "cze" | "czerwiec" | "czerwca" | "čen" | "červen" | "června"
        | "június" | "iun" | "iunie" | "июн" | "июнь" | "июня" | "чер" | "червень" | "червня" | "юни"
        | "ιουν" | "ιούν" | "ιούνιος" | "ιουνίου" | "haz" | "haziran" => 6,
        "jul" | "july" | "juli" | "juil" | "juillet" | "julio" | "lug" | "luglio" | "julho" | "juliol"
        | "heinä" | "heinäkuu" | "júl" | "júlí" | "lip" | "lipiec" | "lipca" | "čec" | "červenec"
        | "července" | "július" | "iul" | "iulie" | "июл" | "июль" | "июля" | "лип" | "липень" | "липня"
        | "юли" | "ιουλ" | "ιούλ" | "ιούλιος" | "ιουλίου" | "tem" | "temmuz" => 7,
        "aug" | "august" | "août" | "aoû" | "aout" | "ago" | "agosto" | "agost" | "augustus" | "augusti"
        | "elo" | "elokuu" | "ágú" | "ágúst" | "sie" | "sierpień" | "sierpnia" | "srp" | "srpen"
        | "srpna" | "augusztus" | "авг" | "август" | "августа" | "сер" | "серпень" | "серпня" | "αυγ"
        | "αύγ" | "αύγουστος" | "αυγούστου" | "ağu" | "ağustos" => 8,
        "sep"
        | "sept"
        | "september"
        | "septembre"
        | "septiembre"
        | "setiembre"
        | "set"
        | "settembre"
        | "setembro"
        | "setembre"
        | "syys"
        | "syyskuu"
        | "wrz"
        | "wrzesień"
        | "września"
        | "zář"
        | "září"
        | "szept"
        | "szeptember"
        | "septembrie"
        | "сен"
        | "сент"
        | "сентябрь"
        | "сентября"
        | "вер"
        | "вересень"
        | "вересня"
        | "сеп"
        | "септември"
        | "σεπ"
        | "σεπτέμβριος"
        | "σεπτεμβρίου"
        | "eyl"
        | "eylül" => 9,
        "oct" | "october" | "okt" | "oktober" | "octobre" | "octubre" | "ott" | "ottobre" | "out"
        | "outubro" | "loka" | "lokakuu" | "október" | "paź" | "październik" | "października" | "říj"
        | "říjen" | "října" | "octombrie" | "окт" | "октябрь" | "октября" | "жов" | "жовтень" | "жовтня"
        | "октомври" | "οκτ" | "οκτώβριος" | "οκτωβρίου" | "eki" | "ekim" => 10,
        "nov" | "november" | "novembre" | "noviembre" | "novembro" | "marras" | "marraskuu" | "nóv"
        | "nóvember" | "lis" | "listopad" | "listopada" | "listopadu" | "noiembrie" | "noi" | "ноя"
        | "нояб" | "ноябрь" | "ноября" | "лис" | "листопад" | "листопада" | "ное" | "ноември" | "νοε"
        | "νοέ" | "νοέμβριος" | "νοεμβρίου" | "kas" | "kasım" => 11,
        "dec"
        | "december"
        | "dez"
        | "dezember"
        | "déc"
        | "décembre"
        | "dic"
        | "diciembre"
        | "dicembre"
        | "dezembro"
        | "des"
        | "desember"
        | "desembre"
        | "joulu"
        | "joulukuu"
        | "gru"
        | "grudzień"
        | "grudnia"
        | "pro"
        | "prosinec"
        | "prosince"
        | "decembrie"
        | "дек"
        | "декабрь"
        | "декабря"
        | "гру"
        | "грудень"
        | "грудня"
        | "декември"
        | "δεκ"
        | "δεκέμβριος"
        | "δεκεμβρίου"
        | "ara"
        | "aralık" => 12,
        _ => return None,
    })
}

/// Days of the week, which old `ls --full-time` prints in front, in English.
pub(super) fn is_weekday(word: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    DAYS.contains(&word)
}

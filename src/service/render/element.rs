//! An *element* of an XML document: a name, attributes, and either text or further elements. The task
//! definitions of Windows are such trees; the crate `quick-xml` writes and reads them.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::reader::Reader;

use crate::error::{Error, Result};

/// No task comes near this; deeper, and something is wrong with the text.
const DEEPEST: usize = 64;

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name, without a prefix.
    pub name: String,
    /// Its attributes, in their order.
    pub attributes: Vec<(String, String)>,
    /// The elements in it, in their order.
    pub children: Vec<Element>,
    /// Its text. An element with children has none but white space, which is dropped.
    pub text: String,
}

impl Element {
    /// One with these elements in it.
    pub fn new(name: &str, children: impl IntoIterator<Item = Self>) -> Self {
        Self { name: name.into(), children: children.into_iter().collect(), ..Self::default() }
    }

    /// One with this text in it.
    pub fn leaf(name: &str, text: &str) -> Self {
        Self { name: name.into(), text: text.into(), ..Self::default() }
    }

    /// The same with one more attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// The first element below it on this way.
    pub fn at(&self, way: &[&str]) -> Option<&Self> {
        way.iter().try_fold(self, |element, name| element.children.iter().find(|child| child.name == *name))
    }

    /// The text of the first element below it on this way.
    pub fn text_at(&self, way: &[&str]) -> Option<&str> {
        self.at(way).map(|element| element.text.as_str())
    }

    /// Its attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// It as a document in this encoding, indented; the bytes are still to be encoded so.
    ///
    /// # Errors
    /// It can't be written.
    pub fn document(&self, encoding: &str) -> Result<String> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        let failed = |error: std::io::Error| Error::new(&self.name, error);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some(encoding), None))).map_err(failed)?;
        self.write(&mut writer).map_err(failed)?;
        let text = String::from_utf8(writer.into_inner()).map_err(|error| Error::new(&self.name, error))?;
        Ok(text + "\n")
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let attributes = self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let start = BytesStart::new(&self.name).with_attributes(attributes);
        if self.text.is_empty() && self.children.is_empty() {
            return writer.write_event(Event::Empty(start)); // a line break in between would become its text
        }
        writer.write_event(Event::Start(start))?;
        if !self.text.is_empty() {
            writer.write_event(Event::Text(BytesText::new(&self.text)))?;
        }
        self.children.iter().try_for_each(|child| child.write(writer))?;
        writer.write_event(Event::End(BytesEnd::new(&self.name)))
    }

    /// The document in this text, whatever encoding it says of itself. None when it is not well-formed.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if open.len() < DEEPEST => open.push(Self::begin(&start)?),
                Event::Start(_) => return None,
                Event::Empty(start) => open.last_mut()?.children.push(Self::begin(&start)?),
                Event::Text(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
                Event::CData(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
                Event::GeneralRef(reference) => {
                    let reference = format!("&{};", reference.decode().ok()?);
                    open.last_mut()?.text.push_str(&quick_xml::escape::unescape(&reference).ok()?);
                }
                Event::End(_) => {
                    let mut element = open.pop()?;
                    if !element.children.is_empty() {
                        element.text.clear();
                    }
                    open.last_mut()?.children.push(element);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        match (open.len(), open.pop()?.children) {
            (1, mut documents) if documents.len() == 1 => documents.pop(),
            _ => None,
        }
    }

    fn begin(start: &BytesStart<'_>) -> Option<Self> {
        let name = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(ToOwned::to_owned);
        let mut element = Self::new(&name(start.local_name().as_ref())?, []);
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.unescape_value().ok()?.into_owned();
            element.attributes.push((name(attribute.key.as_ref())?, value));
        }
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let tree = Element::new(
            "Task",
            [
                Element::leaf("A", " <&>\"' é日本😀 "),
                Element::new("B", [Element::leaf("C", ""), Element::leaf("C", "x").with("id", "a\"<&'b")]),
            ],
        )
        .with("xmlns", "urn:x");
        let text = tree.document("UTF-16").unwrap();
        assert!(
            text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n<Task xmlns=\"urn:x\">\n  <A>")
        );
        assert_eq!(Element::parse(&text), Some(tree));
    }

    #[test]
    fn what_is_no_document_is_none() {
        for bad in ["", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&nbsp;</a>", "<a b=c/>", &"<a>".repeat(1000)] {
            assert_eq!(Element::parse(bad), None, "{bad}");
        }
        assert_eq!(Element::parse("<a><![CDATA[<&]]>&#65;</a>").unwrap().text, "<&A");
    }
}

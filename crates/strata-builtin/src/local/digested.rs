//! The digests of a content, which all types here tell under the same names.

/// Gives a type `fill`, which sets its digests to those of a content.
macro_rules! digested {
    ($type:ident) => {
        impl $type {
            fn fill(&mut self, content: &[u8]) {
                let digests = crate::digests::Digests::of(content);
                self.content_md5 = digests.md5;
                self.content_sha1 = digests.sha1.clone();
                self.content_sha256 = digests.sha256;
                self.content_base64sha256 = digests.base64_sha256;
                self.content_sha512 = digests.sha512;
                self.content_base64sha512 = digests.base64_sha512;
                self.id = digests.sha1;
            }
        }
    };
}

pub(super) use digested;

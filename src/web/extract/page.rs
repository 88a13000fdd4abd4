//! `limit` and `offset`, for lists without other parameters.

use guichet_base::Result;
use guichet_base::page::Page;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::web::Validator;

/// Pagination parameters. Lists with filters repeat these two fields in their struct (serde cannot combine `flatten`
/// with `deny_unknown_fields`) and call [`Validator::page`].
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1–200; the default is 50.
    pub limit: Option<i64>,
    /// The default is 0.
    pub offset: Option<i64>,
}

impl PageQuery {
    pub fn page(&self) -> Result<Page> {
        let mut validator = Validator::new();
        let page = validator.page(self.limit, self.offset);
        validator.finish()?;
        Ok(page)
    }
}

//! From a request to its answer.

use super::message::{Answer, Request};
use super::network::WantedNetwork;
use super::renew::Wanted;
use super::secrets::VaultWork;
use super::{Patchbay, copy, message};
use crate::catalog;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

impl Patchbay {
    /// Serves a request. `secret` is taken by requests that say so, and never comes back.
    ///
    /// # Errors
    /// What cannot be done, with its code.
    pub async fn call(&self, request: Request, secret: Option<Secret>) -> Result<Answer> {
        match request {
            Request::Snapshot => Ok(Answer::Snapshot(Box::new(self.snapshot()?))),
            Request::Catalog => Ok(Answer::Catalog(catalog::all().to_vec())),
            Request::ResolveForm { provider, settings, name, expires, scopes, token_name } => {
                let link = (scopes.as_slice(), token_name.as_deref());
                self.resolve_form(&provider, &settings, name.as_deref(), expires.as_deref(), link)
                    .map(|form| Answer::Form(Box::new(form)))
            }
            Request::InspectToken { provider, connection, header } => self
                .inspect_token(&provider, connection.as_deref(), header.as_deref(), &needed(secret)?)
                .map(Answer::TokenLook),
            Request::Found => self.found().map(Answer::Found),
            Request::Check { ids } => self.check(&ids).await.map(Answer::Reports),
            Request::PlanAsApp { at } => self.plan_as_app(&at).await.map(|plan| Answer::AsAppPlan(Box::new(plan))),
            Request::CheckAsApp { at, expected } => {
                self.check_as_app(&at, expected.as_deref()).await.map(|done| Answer::AsApp(Box::new(done)))
            }
            Request::CancelChecks => {
                self.cancel_checks();
                Ok(Answer::Done)
            }
            Request::Reopen { client } => self.reopen(&client).await.map(|()| Answer::Done),
            Request::Curl { id } => self.curl(&id).map(Answer::Text),
            Request::Snippet { id, client } => self.snippet(&id, &client).map(Answer::Text),
            Request::Renew { id, token, expires, scopes } => {
                self.inner.state.check_writable()?;
                let wanted = Wanted { id: &id, token: token.as_deref(), expires: expires.as_deref(), scopes };
                self.renew(wanted, &needed(secret)?).await.map(|done| Answer::Renewed(Box::new(done)))
            }
            Request::RetireOld { id, token, old, force } => {
                self.retire_old(&id, &token, old.as_deref(), force).await.map(Answer::Retired)
            }
            Request::ConnectSignedIn { .. }
            | Request::SignIn { .. }
            | Request::CancelSignIn { .. }
            | Request::SignOut { .. }
            | Request::SignOutAt { .. } => Box::pin(self.sign(request, secret)).await,
            Request::TestNetwork { id, network, keep_password } => {
                let wanted = WantedNetwork { id: id.as_deref(), choice: network, keep_password, password: secret };
                self.test_network(wanted).await.map(Answer::Reports)
            }
            other => self.change(other, secret).await,
        }
    }

    async fn change(&self, request: Request, secret: Option<Secret>) -> Result<Answer> {
        self.inner.state.check_writable()?;
        match request {
            Request::PlanConnect { connect } => self.plan_connect(&connect, secret.as_ref()).map(Answer::Plan),
            Request::Connect { connect, expected } => {
                self.connect(&connect, secret, expected).await.map(Answer::Connected)
            }
            Request::SaveToken { id, token, clients } => {
                self.save_token(&id, &token, &clients, &needed(secret)?).await.map(Answer::Connected)
            }
            Request::PlanPlace { id, places } => self.plan_place(&id, &places).map(Answer::Plan),
            Request::Place { id, places, expected } => self.place(&id, &places, &expected).map(Answer::Connected),
            Request::PlanRemove { id } => self.plan_remove(&id).map(Answer::Plan),
            Request::Remove { id, expected } => self.remove(&id, expected).await.map(Answer::Connected),
            Request::Edit { id, name, settings } => self.edit(&id, &name, &settings).map(Answer::Connected),
            Request::PlanImport { import } => self.plan_import(&import).map(Answer::Plan),
            Request::Import { import, expected } => self.import(&import, &expected).await.map(Answer::Connected),
            Request::PlanCopy { from, ids, to } => {
                self.plan_copy(&copy::Wanted { from: from.as_deref(), ids: &ids, to: &to }).map(Answer::Plan)
            }
            Request::Copy { from, ids, to, expected } => {
                self.copy(&copy::Wanted { from: from.as_deref(), ids: &ids, to: &to }, &expected).map(Answer::Copied)
            }
            Request::PutBack { id, client, scope } => self.put_back(&id, &client, &scope).map(Answer::Connected),
            Request::Keep { id, client, scope } => self.keep(&id, &client, &scope).map(Answer::Connected),
            Request::ChangeDetail { change } => self.change_detail(&change).map(Answer::Plan),
            Request::Undo { change } => self.undo(change.as_deref()).await.map(Answer::Connected),
            Request::PurgeTokens { change } => self.purge_tokens(change.as_deref()).map(Answer::Purged),
            Request::PlanLeave { choice } => self.plan_leave(choice).await.map(|view| Answer::Leave(Box::new(view))),
            Request::Leave { choice, expected } => self.leave(choice, &expected).await.map(Answer::Left),
            other => self.choose(other, secret).await,
        }
    }

    async fn choose(&self, request: Request, secret: Option<Secret>) -> Result<Answer> {
        match request {
            Request::Acknowledge { token } => self.acknowledge(&token)?,
            Request::SetExpiry { id, token, expires } => self.set_expiry(&id, &token, expires.as_deref())?,
            Request::Snooze { token, days } => self.snooze(&token, days)?,
            Request::SetSettings { settings } => self.set_settings(settings)?,
            Request::SetNetwork { id, network, keep_password } => {
                let wanted = WantedNetwork { id: id.as_deref(), choice: network, keep_password, password: secret };
                self.set_network(wanted).await?;
            }
            Request::ChooseFile { client, path } => self.choose_file(&client, path.as_deref())?,
            Request::DismissNews { ids } => {
                self.dismiss_news(&ids)?;
                self.tell(super::Event::Changed);
            }
            Request::DismissProblem => self.dismiss_problem()?,
            Request::SetBackend { backend } => self.set_backend(backend).await?,
            Request::SecretsStatus => {
                self.secrets_status().await;
                return Ok(Answer::Snapshot(Box::new(self.snapshot()?)));
            }
            Request::VaultCreate => self.vault(VaultWork::Create, secret).await?,
            Request::VaultUnlock => self.vault(VaultWork::Unlock, secret).await?,
            Request::VaultLock => self.vault(VaultWork::Lock, None).await?,
            _ => return Err(Error::new(Code::Usage, "Patchbay does not know this request.")),
        }
        Ok(message::Answer::Done)
    }
}

fn needed(secret: Option<Secret>) -> Result<Secret> {
    secret.ok_or_else(|| Error::new(Code::TokenEmpty, "No token was given.").hint("Paste the token.").field("token"))
}

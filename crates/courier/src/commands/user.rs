//! `courier user`: who may do what.

use courier_api::{PasswordChange, Role, Secret};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{ListArgs, body, done, show, show_list};
use crate::api::{Api, ApiArgs};
use crate::exit::{Failure, Result};
use crate::output::Output;
use crate::output::table::Column;
use crate::secret::{self, PasswordArgs};

/// Users and their roles
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A viewer looks; an operator also makes, changes and runs things; an admin decides about users, trust and settings.

Examples:
  courier user create ann --role operator
  courier user update ann --ask-password
  courier user password")]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the users
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one user
    Show { user: String },
    /// Make a user; the password comes from COURIER_PASSWORD, a flag or a prompt
    Create {
        username: String,
        /// viewer, operator or admin
        #[arg(long, default_value = "viewer")]
        role: Role,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Change a role or a password, or lock somebody out
    Update {
        user: String,
        /// viewer, operator or admin
        #[arg(long)]
        role: Option<Role>,
        /// May the user not log in? true ends the user's sessions
        #[arg(long, value_name = "true|false")]
        disabled: Option<bool>,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Delete a user, with sessions and tokens
    Delete { user: String },
    /// Show who you are
    Me,
    /// Change your own password: the flags and a prompt are for the new one, COURIER_PASSWORD or a prompt for the
    /// current one
    Password {
        #[command(flatten)]
        new: PasswordArgs,
    },
}

const COLUMNS: &[Column] = &[
    ("USERNAME", "username"),
    ("ROLE", "role"),
    ("DISABLED", "disabled"),
    ("LAST LOGIN", "last_login_at"),
    ("CREATED", "created_at"),
    ("ID", "id"),
];

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let api = Api::new(&args.api)?;
    match args.command {
        Command::List { list } => show_list(&api, output, &["users"], &Vec::new(), COLUMNS, &list).await,
        Command::Show { user } => {
            let id = api.resolve("users", &user).await?;
            show(output, &api.get(&["users", &id]).await?)
        }
        Command::Create {
            username,
            role,
            password,
        } => {
            let password = password.required(&format!("Password for {username}"))?;
            let request = json!({"username": username, "role": role, "password": password.expose_secret()});
            done(output, "created", &api.post(&["users"], &request).await?)
        }
        Command::Update {
            user,
            role,
            disabled,
            password,
        } => {
            let password: Option<SecretString> = password.given(&format!("New password for {user}"))?;
            let mut request = Map::new();
            request.extend(role.map(|role| ("role".to_owned(), json!(role))));
            request.extend(disabled.map(|disabled| ("disabled".to_owned(), json!(disabled))));
            request.extend(password.map(|p| ("password".to_owned(), Value::from(p.expose_secret()))));
            if request.is_empty() {
                return Err(Failure::usage(
                    "nothing to change; give --role, --disabled, --ask-password or --password-stdin",
                ));
            }
            let id = api.resolve("users", &user).await?;
            done(
                output,
                "changed",
                &api.patch(&["users", &id], &request.into()).await?,
            )
        }
        Command::Delete { user } => {
            let id = api.resolve("users", &user).await?;
            api.delete(&["users", &id]).await?;
            done(output, "deleted", &json!({"username": user, "id": id}))
        }
        Command::Me => show(output, &api.get(&["auth", "me"]).await?),
        Command::Password { new } => {
            let current = PasswordArgs::default().required("Current password")?;
            let new = match new.given("New password")? {
                Some(new) => new,
                None => secret::ask_twice("New password")?,
            };
            let request = body(&PasswordChange {
                current_password: Secret::from(current.expose_secret()),
                new_password: Secret::from(new.expose_secret()),
            })?;
            api.post(&["auth", "password"], &request).await?;
            done(output, "changed", &json!({"name": "password"}))
        }
    }
}

import { Document, Scalar, YAMLSeq } from "yaml";
import type { App, Homelab } from "../../config/homelab";
import { oidcClients, proxiedServices } from "../secrets";
import { oidcClientId, redirectUri } from "./oidc";

/** A value that Authentik looks up when it applies the blueprint. */
export type Reference = { find: readonly [model: string, field: string, value: string] } | { keyOf: string };

export type BlueprintValue =
  string | number | boolean | Reference | readonly BlueprintValue[] | { readonly [key: string]: BlueprintValue };

/** One object that Authentik keeps as described: found by its identifiers, created or changed to the attributes. */
export interface BlueprintEntry {
  model: string;
  /** Name within the blueprint, for `keyOf`. */
  id?: string;
  /** `absent`: whatever has these identifiers is deleted, if it is there. Default: it is made or changed. */
  state?: "absent";
  identifiers?: Readonly<Record<string, BlueprintValue>>;
  attrs?: Readonly<Record<string, BlueprintValue>>;
}

/** Authentik's own group of administrators; akadmin keeps it. */
const SUPERUSERS = "authentik Admins";
const ADMINISTRATOR = "akadmin";
/** Groups that an application was ever bound to at once, at most. */
const MOST_BINDINGS = 12;

/**
 * Groups that may use a client, by their names in Authentik. Metrics and storage show and change too much for guests, so
 * they see dashboards only. An app says itself whom it lets in; administrators are always among them.
 */
export function allowedGroups({ identity, apps }: Homelab, client: string): string[] {
  const { admins, viewers } = identity.groups;
  const app = apps.find(({ name }) => name === client);
  if (app) {
    return [...new Set([admins, ...(app.access?.groups ?? []).map((key) => identity.groups[key])])];
  }
  return (proxiedServices as readonly string[]).includes(client) ? [admins] : [admins, viewers];
}

/** Apps in front of which Authentik itself stands. */
export function proxiedApps({ apps }: Pick<Homelab, "apps">): readonly App[] {
  return apps.filter(({ access }) => access?.policy === "proxy");
}

/**
 * Everything that Authentik must know about the homelab: groups, scopes, one OpenID Connect provider and application for
 * each client, and who may use which. People are put into the groups in its UI; the blueprint never touches members, except
 * that akadmin belongs to the administrators. Entries are in the order of their references. It builds on flows, scopes
 * and users that blueprints of Authentik itself create; gates/authentik.sh applies it again until those are there.
 * Models and fields: authentik 2025.12 blueprints/schema.json.
 */
export function blueprint(homelab: Homelab, clientSecrets: Readonly<Record<string, string>>): BlueprintEntry[] {
  const { groups } = homelab.identity;
  return [
    ...Object.values(groups).map((name) => ({
      model: "authentik_core.group",
      id: groupId(name),
      identifiers: { name },
    })),
    {
      model: "authentik_core.user",
      identifiers: { username: ADMINISTRATOR },
      attrs: { groups: [find("authentik_core.group", "name", SUPERUSERS), keyOf(groupId(groups.admins))] },
    },
    // The owner wants no second factor. Skipping is Authentik's default; here a click in the UI does not outlast a run.
    {
      model: "authentik_stages_authenticator_validate.authenticatorvalidatestage",
      identifiers: { name: "default-authentication-mfa-validation" },
      attrs: { not_configured_action: "skip" },
    },
    ...scopes,
    ...oidcClients(homelab).flatMap((client) => clientEntries(homelab, client, clientSecrets[client])),
    ...proxyEntries(homelab),
  ];
}

/**
 * Apps without a login that deserves the name: Authentik's own outpost, inside of its server, takes their host names and
 * passes on what a logged-in member of the right groups asks for. One place for all of them, nothing further to run, and an
 * app that is added has its login by that. Source: authentik 2025.12 providers/proxy and internal/outpost/proxyv2: a host
 * of a provider in mode `proxy` is answered by the outpost before the server's own pages.
 */
function proxyEntries(homelab: Homelab): BlueprintEntry[] {
  const apps = proxiedApps(homelab);
  return [
    ...apps.flatMap(({ name, namespace, port }) => [
      {
        model: "authentik_providers_proxy.proxyprovider",
        id: `provider-${name}`,
        identifiers: { name: title(name) },
        attrs: {
          mode: "proxy",
          external_host: `https://${homelab.routes[name]}`,
          internal_host: `http://${name}.${namespace}.svc.cluster.local:${port}`,
          authorization_flow: flow("default-provider-authorization-implicit-consent"),
          invalidation_flow: flow("default-provider-invalidation-flow"),
          // A name and password in a header are the app's business, if they are anybody's.
          intercept_header_auth: false,
          access_token_validity: "hours=12",
        },
      },
      ...applicationEntries(homelab, name),
    ]),
    {
      model: "authentik_outposts.outpost",
      identifiers: { managed: "goauthentik.io/outposts/embedded" },
      attrs: {
        // Said also when there are none, or the last app that went would stay reachable by it.
        providers: apps.map(({ name }) => keyOf(`provider-${name}`)),
        // Where browsers are sent to log in.
        config: { authentik_host: `https://${homelab.hosts.authentik}/` },
      },
    },
  ];
}

const scopes: BlueprintEntry[] = [
  {
    model: "authentik_providers_oauth2.scopemapping",
    id: "scope-email",
    identifiers: { name: "homelab: email" },
    attrs: {
      scope_name: "email",
      description: "E-mail address",
      // Authentik >= 2025.10 says false, and OAuth2-Proxy then refuses the login. Accounts are made by an administrator,
      // and people cannot change their own address, so the address is as good as the account.
      expression: 'return {"email": request.user.email, "email_verified": True}\n',
    },
  },
  {
    model: "authentik_providers_oauth2.scopemapping",
    id: "scope-groups",
    identifiers: { name: "homelab: groups" },
    attrs: {
      scope_name: "groups",
      description: "Groups, those of parent groups included",
      expression: 'return {"groups": [group.name for group in request.user.all_groups()]}\n',
    },
  },
];

function clientEntries(homelab: Homelab, client: string, secret: string): BlueprintEntry[] {
  return [
    {
      model: "authentik_providers_oauth2.oauth2provider",
      id: `provider-${client}`,
      identifiers: { name: title(client) },
      attrs: {
        client_type: "confidential",
        client_id: oidcClientId(client),
        client_secret: secret,
        authorization_flow: flow("default-provider-authorization-implicit-consent"),
        invalidation_flow: flow("default-provider-invalidation-flow"),
        // Without a key Authentik signs with the client secret (HS256) and publishes no keys at all.
        signing_key: find("authentik_crypto.certificatekeypair", "name", "authentik Self-signed Certificate"),
        redirect_uris: [{ matching_mode: "strict", url: redirectUri(homelab, client) }],
        property_mappings: [scope("openid"), keyOf("scope-email"), scope("profile"), keyOf("scope-groups")],
        include_claims_in_id_token: true,
        issuer_mode: "per_provider",
        sub_mode: "hashed_user_id",
      },
    },
    ...applicationEntries(homelab, client),
  ];
}

/** What people see of a provider, and who of them. */
function applicationEntries(homelab: Homelab, client: string): BlueprintEntry[] {
  const application = `application-${client}`;
  const groups = allowedGroups(homelab, client);
  return [
    {
      model: "authentik_core.application",
      id: application,
      identifiers: { slug: client },
      attrs: {
        name: title(client),
        provider: keyOf(`provider-${client}`),
        policy_engine_mode: "any",
        meta_launch_url: `https://${homelab.routes[client]}/`,
      },
    },
    // An application without any binding is open to everybody who has an account.
    ...groups.map((group, order): BlueprintEntry => ({
      model: "authentik_policies.policybinding",
      identifiers: { target: keyOf(application), order },
      attrs: { group: keyOf(groupId(group)), enabled: true },
    })),
    // Authentik keeps what a blueprint no longer names: a group that is let in no more must be said to be gone.
    ...[...Array(Math.max(0, MOST_BINDINGS - groups.length)).keys()].map((more): BlueprintEntry => ({
      model: "authentik_policies.policybinding",
      state: "absent",
      identifiers: { target: keyOf(application), order: groups.length + more },
    })),
  ];
}

function title(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function find(model: string, field: string, value: string): Reference {
  return { find: [model, field, value] };
}

function keyOf(id: string): Reference {
  return { keyOf: id };
}

function flow(slug: string): Reference {
  return find("authentik_flows.flow", "slug", slug);
}

/** One of Authentik's own scopes; by `managed`, because scope names are not unique. */
function scope(name: string): Reference {
  return find("authentik_providers_oauth2.scopemapping", "managed", `goauthentik.io/providers/oauth2/scope-${name}`);
}

function groupId(name: string): string {
  return `group-${name}`;
}

/** The blueprint as Authentik reads it: YAML with its tags `!Find` and `!KeyOf`. */
export function blueprintYaml(entries: readonly BlueprintEntry[]): string {
  const document = new Document({ version: 1, metadata: { name: "Homelab" }, entries: entries.map(tagged) });
  // Authentik reads with PyYAML, which is YAML 1.1: there a group named `on` would be a boolean unless quoted.
  return document.toString({ lineWidth: 0, defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN" });
}

/** Replaces references by tagged YAML nodes. */
function tagged(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(tagged);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if ("keyOf" in value) {
    const node = new Scalar(value.keyOf);
    node.tag = "!KeyOf";
    return node;
  }
  if ("find" in value) {
    const [model, field, wanted] = (value as Extract<Reference, { find: unknown }>).find;
    const condition = sequence([new Scalar(field), new Scalar(wanted)]);
    const node = sequence([new Scalar(model), condition]);
    node.tag = "!Find";
    return node;
  }
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, tagged(child)]));
}

function sequence(items: unknown[]): YAMLSeq {
  const node = new YAMLSeq();
  node.flow = true;
  node.items = items;
  return node;
}

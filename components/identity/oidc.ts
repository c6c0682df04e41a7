import type { Homelab } from "../../config/homelab";

/** Addresses of one client's OpenID Connect provider in Authentik. */
export interface OidcEndpoints {
  /** Ends in a slash: Authentik's tokens carry it so, and issuers are compared byte for byte. */
  issuer: string;
  authorization: string;
  token: string;
  userinfo: string;
  jwks: string;
  endSession: string;
  discovery: string;
}

/**
 * Where a client of Authentik finds its provider. Issuer, keys, end of session and discovery are each application's
 * own (its slug is the client's name); authorization, token and userinfo are shared by all of them.
 * Source: authentik 2025.12 authentik/providers/oauth2/urls.py and urls_root.py, mounted at /application/o/.
 */
export function oidcEndpoints(homelab: Homelab, client: string): OidcEndpoints {
  const shared = `https://${homelab.hosts.authentik}/application/o/`;
  const issuer = `${shared}${client}/`;
  return {
    issuer,
    authorization: `${shared}authorize/`,
    token: `${shared}token/`,
    userinfo: `${shared}userinfo/`,
    jwks: `${issuer}jwks/`,
    endSession: `${issuer}end-session/`,
    discovery: `${issuer}.well-known/openid-configuration`,
  };
}

/** What a client calls itself at Authentik. Public; its secret is generated. */
export function oidcClientId(client: string): string {
  return client;
}

/** Where Authentik sends a browser back to after login: an app's or Grafana's own path, or OAuth2-Proxy's. */
export function redirectUri(homelab: Homelab, client: string): string {
  const app = homelab.apps.find(({ name }) => name === client);
  const path = app?.oidc?.redirectPath ?? (client === "grafana" ? "/login/generic_oauth" : "/oauth2/callback");
  return `https://${homelab.routes[client]}${path}`;
}

import { expect } from "chai";
import { grafanaIni, grafanaValues, roleAttributePath } from "../../../components/monitoring/grafana";
import { home } from "../../support/home";

describe("Grafana", () => {
  const homelab = home();
  const values = grafanaValues(homelab, "hash");
  const oauth = grafanaIni(homelab)["auth.generic_oauth"];

  it("trap 37: the volume is a claim of ours, and nothing is looked up at render time", () => {
    expect(values.persistence).to.deep.equal({ enabled: true, existingClaim: "grafana", lookupVolumeName: false });
  });

  it("trap 38: one pod lets go of the volume before the next takes it", () => {
    expect(values.deploymentStrategy).to.deep.equal({ type: "Recreate" });
  });

  it("trap 39: the admin's password is not prom-operator", () => {
    expect(values.admin).to.deep.equal({ existingSecret: "grafana-admin" });
    expect(values).not.to.have.property("adminPassword");
  });

  it("trap 40: the client secret comes from the environment", () => {
    expect(oauth.client_secret).to.equal("$__env{OIDC_CLIENT_SECRET}");
    expect(values.envFromSecret).to.equal("grafana-oidc");
  });

  it("trap 55: a rotated secret restarts the pod", () => {
    const changed = grafanaValues(homelab, "other").podAnnotations;
    expect(values.podAnnotations).to.deep.equal({ "homelab/secret-hash": "hash" });
    expect(changed).not.to.deep.equal(values.podAnnotations);
  });

  it("speaks to Authentik at its public name, and sends people back to its own", () => {
    expect(oauth).to.include({
      client_id: "grafana",
      auth_url: "https://authentik.fletcherlabs.net/application/o/authorize/",
      token_url: "https://authentik.fletcherlabs.net/application/o/token/",
      api_url: "https://authentik.fletcherlabs.net/application/o/userinfo/",
      use_pkce: true,
    });
    expect(grafanaIni(homelab).server.root_url).to.equal("https://grafana.fletcherlabs.net/");
  });

  it("gives admins and viewers their role, and nobody else any", () => {
    expect(roleAttributePath({ admins: "homelab-admins", viewers: "homelab-viewers" })).to.equal(
      "contains(groups[*], 'homelab-admins') && 'GrafanaAdmin' || contains(groups[*], 'homelab-viewers') && 'Viewer'",
    );
    expect(oauth).to.include({ role_attribute_strict: true, allow_assign_grafana_admin: true });
    expect(grafanaIni(homelab)["auth.anonymous"].enabled).to.be.false;
  });

  it("quotes groups' names as JMESPath does", () => {
    expect(roleAttributePath({ admins: "josh's", viewers: "a\\b" })).to.equal(
      "contains(groups[*], 'josh\\'s') && 'GrafanaAdmin' || contains(groups[*], 'a\\\\b') && 'Viewer'",
    );
  });

  it("keeps the login form for the day on which Authentik is down", () => {
    expect(grafanaIni(homelab).auth).not.to.have.property("disable_login_form");
  });

  it("skips the check of certificates with the staging issuer only, whose CA nobody trusts", () => {
    const production = home((config) => {
      config.network.certificates.issuer = "production";
    });
    expect(oauth.tls_skip_verify_insecure).to.be.true;
    expect(grafanaIni(production)["auth.generic_oauth"]).not.to.have.property("tls_skip_verify_insecure");
  });

  it("reads Loki", () => {
    expect(values.additionalDataSources).to.deep.include({
      name: "Loki",
      type: "loki",
      uid: "loki",
      access: "proxy",
      url: "http://loki.monitoring:3100",
      isDefault: false,
    });
  });
});

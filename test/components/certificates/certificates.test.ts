import { expect } from "chai";
import { CertManager, certManagerValues } from "../../../components/certificates/cert-manager";
import { Certificates } from "../../../components/certificates/certificates";
import { certificateManifest, issuerManifest, issuerName } from "../../../components/certificates/manifests";
import { gatewayManifest } from "../../../components/network/gateway-manifests";
import { hostOf } from "../../../nodes/host";
import { record } from "../../../plan/record";
import { bundleOf, crdErrors } from "../../support/crds";
import { home } from "../../support/home";
import { schemaErrors, unknownValuePaths } from "../../support/values";

const homelab = home();
const services = Object.keys(homelab.routes);
const production = home((config) => (config.network.certificates.issuer = "production"));
const generated = { identity: { kind: "machine-id", value: "a" }, hostKey: "ssh-ed25519 AAAA" } as const;

interface Solver {
  selector: { dnsNames: string[] };
  http01: { gatewayHTTPRoute: { parentRefs: { name: string; namespace: string; sectionName: string }[] } };
}
interface Acme {
  server: string;
  privateKeySecretRef: { name: string };
  solvers: Solver[];
}
const acme = (stack = homelab) => (issuerManifest(stack).spec as { acme: Acme }).acme;

describe("cert-manager", () => {
  const version = homelab.versions.charts.certManager;

  const values = certManagerValues() as any;

  it("trap 66: the chart knows every value, by its own strict schema too", () => {
    expect(unknownValuePaths("certManager", version, values)).to.deep.equal([]);
    expect(schemaErrors("certManager", version, values)).to.deep.equal([]);
  });

  it("trap 42: Gateway API is enabled where the controller looks, not by the feature gate alone", () => {
    expect(values.config).to.deep.equal({
      apiVersion: "controller.config.cert-manager.io/v1alpha1",
      kind: "ControllerConfiguration",
      enableGatewayAPI: true,
    });
  });

  it("trap 45: both webhooks are waited for until the API server can trust them", () => {
    for (const kind of ["validating", "mutating"]) {
      expect(values.webhook[`${kind}WebhookConfigurationAnnotations`]).to.deep.equal({
        "pulumi.com/waitFor": "jsonpath={.webhooks[0].clientConfig.caBundle}",
      });
    }
  });

  it("keeps its CRDs, and so every certificate, and needs no hook", () => {
    expect(values.crds).to.deep.equal({ enabled: true, keep: true });
    expect(values.startupapicheck.enabled).to.equal(false);
  });

  it("runs in a namespace of the strictest standard", async () => {
    const { resources } = await record(() => {
      new CertManager("cert-manager", { homelab });
    });
    const namespace = resources.find(({ type }) => type === "kubernetes:core/v1:Namespace");
    expect((namespace?.inputs.metadata as { labels: object }).labels).to.include({
      "pod-security.kubernetes.io/enforce": "restricted",
    });
    const chart = resources.find(({ type }) => type === "kubernetes:helm.sh/v4:Chart");
    expect(chart?.inputs).to.include({ version: "v1.18.6" });
    expect(chart?.dependencies).to.include(namespace?.urn);
  });
});

describe("certificates", () => {
  it("are what cert-manager's CRDs accept", () => {
    const bundle = bundleOf(homelab, "cert-manager.io") ?? "";
    for (const stack of [homelab, production]) {
      const all = [issuerManifest(stack), ...services.map((service) => certificateManifest(stack, service))];
      for (const manifest of all) {
        expect(crdErrors(bundle, { ...manifest }), manifest.metadata.name).to.deep.equal([]);
      }
    }
  });

  it("come from the chosen environment of Let's Encrypt, each with an account of its own", () => {
    expect(issuerName("staging")).to.equal("letsencrypt-staging");
    expect(acme().server).to.equal("https://acme-staging-v02.api.letsencrypt.org/directory");
    expect(acme(production).server).to.equal("https://acme-v02.api.letsencrypt.org/directory");
    expect(acme().privateKeySecretRef.name).not.to.equal(acme(production).privateKeySecretRef.name);
    expect(certificateManifest(production, "grafana").spec.issuerRef).to.include({ name: "letsencrypt-production" });
  });

  it("trap 43: there is one for each host, and no wildcard, which HTTP-01 cannot issue", () => {
    const names = services.flatMap((service) => certificateManifest(homelab, service).spec.dnsNames as string[]);
    expect(names).to.have.members(Object.values(homelab.routes));
    expect(names.filter((name) => name.includes("*"))).to.deep.equal([]);
  });

  it("trap 44: stand in the Gateway's namespace, under the names that its listeners look for", () => {
    const listeners = gatewayManifest(homelab).spec.listeners as {
      hostname: string;
      tls?: { certificateRefs: { name: string }[] };
    }[];
    for (const service of services) {
      const certificate = certificateManifest(homelab, service);
      const listener = listeners.find(({ hostname, tls }) => tls && hostname === homelab.routes[service]);
      expect(certificate.metadata.namespace).to.equal(gatewayManifest(homelab).metadata.namespace);
      expect(listener?.tls?.certificateRefs).to.deep.equal([{ kind: "Secret", name: certificate.spec.secretName }]);
    }
  });

  it("cilium#44123: each host's challenge goes to the HTTP listener of that host", () => {
    const listeners = gatewayManifest(homelab).spec.listeners as { name: string; hostname: string; protocol: string }[];
    for (const { selector, http01 } of acme().solvers) {
      const [parent] = http01.gatewayHTTPRoute.parentRefs;
      expect(parent).to.include({ name: "home", namespace: "networking" });
      const listener = listeners.find(({ name }) => name === parent.sectionName);
      expect(listener).to.include({ protocol: "HTTP", hostname: selector.dnsNames[0] });
    }
    expect(acme().solvers.flatMap(({ selector }) => selector.dnsNames)).to.have.members(Object.values(homelab.routes));
  });

  it("get a new key at every renewal", () => {
    expect(certificateManifest(homelab, "grafana").spec.privateKey).to.include({ rotationPolicy: "Always" });
  });

  it("follow a ready issuer, and are waited for by a gate that can say what is wrong", async () => {
    const { resources } = await record(() => {
      const controlPlane = hostOf(homelab, homelab.controlPlane, generated);
      new Certificates("certificates", { homelab, controlPlane });
    });
    const issuer = resources.find(({ type }) => type.endsWith(":ClusterIssuer"));
    expect((issuer?.inputs.metadata as { annotations: object }).annotations).to.deep.equal({
      "pulumi.com/waitFor": "condition=Ready",
    });
    const certificates = resources.filter(({ type }) => type.endsWith(":Certificate"));
    expect(certificates).to.have.length(services.length);
    for (const certificate of certificates) {
      expect(certificate.dependencies).to.include(issuer?.urn);
      expect(certificate.inputs).not.to.have.nested.property("metadata.annotations");
    }
    const gate = resources.find(({ name }) => name === "certificates-ready");
    expect(gate?.dependencies).to.include.members(certificates.map(({ urn }) => urn));
  });
});

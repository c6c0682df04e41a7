import { expect } from "chai";
import { SECRET } from "../../plan/record";
import { bundleOf, crdBundles, crdErrors } from "./crds";
import { home } from "./home";

const gateway = (spec: Record<string, unknown>) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "home", namespace: "networking" },
  spec: { gatewayClassName: "cilium", listeners: [{ name: "http", port: 80, protocol: "HTTP" }], ...spec },
});
const standard = "gateway-api-standard-1.1.0";

describe("test support: CRD schemas", () => {
  it("know every bundle that the home stack pins", () => {
    const groups = ["cilium.io", "gateway.networking.k8s.io", "cert-manager.io", "acme.cert-manager.io", "longhorn.io"];
    for (const group of [...groups, "velero.io", "monitoring.coreos.com", "snapshot.storage.k8s.io"]) {
      expect(crdBundles(), group).to.include(bundleOf(home(), group));
    }
    expect(bundleOf(home(), "apps")).to.equal(undefined);
  });

  it("accept a valid object, with secrets read through", () => {
    expect(crdErrors(standard, gateway({}))).to.deep.equal([]);
    expect(crdErrors(standard, gateway({ gatewayClassName: { [SECRET]: "cilium" } }))).to.deep.equal([]);
  });

  it("refuse a field that the API server would silently drop", () => {
    expect(crdErrors(standard, gateway({ infrastructure: {} })).join()).to.contain("infrastructure");
    expect(crdErrors("gateway-api-experimental-1.1.0", gateway({ infrastructure: {} }))).to.deep.equal([]);
  });

  it("refuse a wrong type, a missing field and a value out of range", () => {
    const listeners = (listener: Record<string, unknown>) => crdErrors(standard, gateway({ listeners: [listener] }));
    expect(listeners({ name: "http", port: "80", protocol: "HTTP" }).join()).to.contain("integer");
    expect(listeners({ name: "http", protocol: "HTTP" }).join()).to.contain("port");
    expect(listeners({ name: "http", port: 70_000, protocol: "HTTP" }).join()).to.contain("65535");
  });

  it("refuse a version that is listed but not served, an unknown kind and a wrong scope", () => {
    const grpc = { apiVersion: "gateway.networking.k8s.io/v1alpha2", kind: "GRPCRoute", metadata: { namespace: "a" } };
    expect(crdErrors(standard, { ...grpc, spec: {} }).join()).to.contain("does not serve");
    expect(crdErrors("gateway-api-experimental-1.1.0", { ...grpc, spec: {} })).to.deep.equal([]);
    expect(crdErrors(standard, { ...gateway({}), kind: "Gatway" }).join()).to.contain("no kind Gatway");
    expect(crdErrors(standard, { ...gateway({}), metadata: { name: "home" } }).join()).to.contain("namespace");
  });

  it("honour int-or-string and preserved unknown fields", () => {
    const rule = (group: Record<string, unknown>) =>
      crdErrors("kube-prometheus-stack-77.14.0", {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: { name: "a", namespace: "b" },
        spec: { groups: [group] },
      });
    expect(rule({ name: "a", rules: [{ alert: "a", expr: 1 }] })).to.deep.equal([]);
    expect(rule({ name: "a", rules: [{ alert: "a", expr: "up == 0" }] })).to.deep.equal([]);
    expect(rule({ name: "a", rules: [{ alert: "a", exp: "up == 0" }] })).to.have.length.greaterThan(0);
    const webhookSolver = (config: unknown) =>
      crdErrors("cert-manager-v1.18.6", {
        apiVersion: "cert-manager.io/v1",
        kind: "ClusterIssuer",
        metadata: { name: "a" },
        spec: {
          acme: {
            server: "https://example.org",
            privateKeySecretRef: { name: "a" },
            solvers: [{ dns01: { webhook: { groupName: "a", solverName: "b", config } } }],
          },
        },
      });
    expect(webhookSolver({ anything: ["goes", { here: 1 }] })).to.deep.equal([]);
  });

  it("fail loudly for a release whose CRDs were not derived", () => {
    expect(() => crdErrors("cilium-1.0.0", gateway({}))).to.throw("derive-contracts");
  });
});

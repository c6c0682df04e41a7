import { expect } from "chai";
import { ConfigError } from "../../config/issues";
import { parseHomelab } from "../../config/parse";
import { defaultPins } from "../../config/pins";
import { edited } from "../support/home";

/** Issues of the home stack with other versions, as one text. */

function complaint(edit: (versions: any, config: any) => void): string {
  try {
    parseHomelab(
      edited((config: { versions: Record<string, unknown> }) => {
        config.versions.charts ??= {};
        config.versions.images ??= {};
        edit(config.versions, config);
      }),
    );
    return "";
  } catch (error) {
    return error instanceof ConfigError ? error.message : String(error);
  }
}

describe("compatibility", () => {
  it("the default pins go together", () => {
    expect(complaint(() => undefined)).to.equal("");
    expect(defaultPins.charts.cilium).to.match(/^1\.17\./);
  });

  it("trap 1: ALPN on Cilium 1.15 is refused with the reason, on any Kubernetes", () => {
    for (const k3s of ["v1.32.5+k3s1", "v1.29.15+k3s1"]) {
      const text = complaint((versions) => {
        versions.k3s.version = k3s;
        versions.charts.cilium = "1.15.6";
        versions.gatewayApi.channel = "experimental";
      });
      expect(text).to.include("network.gateway.alpn").and.include("no ALPN and no app-protocol at all");
    }
  });

  it("trap 2: the standard channel is refused where the operator needs what it does not serve", () => {
    for (const [cilium, k3s] of [
      ["1.15.19", "v1.29.15+k3s1"],
      ["1.16.19", "v1.30.10+k3s1"],
    ]) {
      const text = complaint((versions, config) => {
        versions.k3s.version = k3s;
        versions.charts.cilium = cilium;
        config.network.gateway.alpn = cilium.startsWith("1.16");
      });
      expect(text, cilium).to.include("versions.gatewayApi.channel");
    }
  });

  it("trap 3: Gateway API 1.2 is refused with Cilium 1.15 and accepted from 1.17 on", () => {
    const text = complaint((versions, config) => {
      versions.k3s.version = "v1.29.15+k3s1";
      versions.charts.cilium = "1.15.6";
      versions.gatewayApi = { ...versions.gatewayApi, version: "v1.2.1", channel: "experimental" };
      config.network.gateway.alpn = false;
    });
    expect(text).to.include("versions.gatewayApi.version");
    expect(complaint((versions) => (versions.gatewayApi.version = "v1.2.1"))).to.equal("");
  });

  for (const tag of ["v1.14.1", "v1.14.2"]) {
    it(`trap 58: plugin ${tag} is refused on B2 even with the Velero it belongs to`, () => {
      const text = complaint((versions) => {
        versions.charts.velero = "12.1.0";
        versions.images.veleroPluginForAws = `velero/velero-plugin-for-aws:${tag}`;
      });
      expect(text).to.include("x-amz-tagging");
    });
  }

  it("trap 58: its neighbours are not", () => {
    const text = complaint((versions) => {
      versions.charts.velero = "12.1.0";
      versions.images.veleroPluginForAws = "velero/velero-plugin-for-aws:v1.14.0";
    });
    expect(text).to.equal("");
  });

  it("trap 68: Authentik beyond 2025.12 is refused until the blueprints set grant_types", () => {
    expect(complaint((versions) => (versions.charts.authentik = "2026.2.0"))).to.include("grant_types");
    expect(complaint((versions) => (versions.charts.authentik = "2025.10.3"))).to.equal("");
  });

  it("an image by digest alone hides its version from the security check", () => {
    const digest = `quay.io/oauth2-proxy/oauth2-proxy@sha256:${"0".repeat(64)}`;
    expect(complaint((versions) => (versions.images.oauth2Proxy = digest))).to.include("versions.images.oauth2Proxy");
  });

  it("a registry's port is not a tag", () => {
    const image = "registry.example.org:5000/busybox";
    expect(complaint((versions) => (versions.images.localPathHelper = image))).to.include("never latest");
    expect(complaint((versions) => (versions.images.localPathHelper = `${image}:1.36.1`))).to.equal("");
  });
});

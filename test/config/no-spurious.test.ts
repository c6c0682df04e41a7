import { expect } from "chai";
import { withCatalog } from "../../config/apps/merge";
import { homelabSchema } from "../../config/schema";
import { homeConfig } from "../support/home";
import { pathsOf } from "./found";

/** Where something stands, from the root of the configuration. */
type Keys = readonly string[];

const home = homeConfig();

const isIndex = (key: string) => /^[0-9]+$/.test(key);
const last = (keys: Keys) => keys[keys.length - 1];
const text = ([first, ...others]: Keys) =>
  first + others.map((key) => (isIndex(key) ? `[${key}]` : `.${key}`)).join("");
const isBelow = (path: string, other: string) => path.startsWith(`${other}.`) || path.startsWith(`${other}[`);
const holderOf = (config: any, keys: Keys) => keys.slice(0, -1).reduce((value, key) => value[key], config);

function placesIn(value: unknown, keys: Keys = []): Keys[] {
  const below = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [...(keys.length > 0 ? [keys] : []), ...below.flatMap(([key, child]) => placesIn(child, [...keys, key]))];
}

/** Every place of the home stack's configuration, in which there is no mistake. */
const places = placesIn(home);

/**
 * What is said of other places than those where an edit has put something that the schema refuses, as such or because it is
 * missing elsewhere. Nothing else in the configuration is wrong, so nothing may be said of it.
 */
function spurious(edited: readonly Keys[], edit: (config: any) => void): string[] {
  const config = structuredClone(home);
  edit(config);
  const { apps, ...others } = homelabSchema.shape;
  const [[section]] = edited as unknown as [[keyof typeof homelabSchema.shape]];
  const isFine =
    section === "apps" ? apps.safeParse(withCatalog(config.apps)) : others[section].safeParse(config[section]);
  if (isFine.success) {
    return [];
  }
  const wrong = edited.map(text);
  const found = pathsOf(config);
  expect(found, wrong.join()).not.to.be.empty;
  return found
    .filter((path) => !wrong.some((place) => path === place || isBelow(path, place) || isBelow(place, path)))
    .map((path) => `${path}, though only ${wrong.join(" and ")} is wrong`);
}

/** Something else for a value. The values of a list or a group are tried in turn, for each place one of them. */
const substitutes: readonly unknown[] = [4711.5, true, "?", null, [[]], { unheard: {} }];

describe("a mistake that the schema finds is all that is said", () => {
  substitutes.forEach((substitute, turn) => {
    it(`where ${JSON.stringify(substitute)} stands in the place of something else`, () => {
      const wrong = places.filter((keys, index) => {
        const isGroup = typeof holderOf(home, keys)[last(keys)] === "object";
        // Another group in the place of a group has other names: a mistake of a different kind.
        return index % substitutes.length === turn && !(isGroup && typeof substitute === "object");
      });
      const said = wrong.flatMap((keys) =>
        spurious([keys], (config) => (holderOf(config, keys)[last(keys)] = structuredClone(substitute))),
      );
      expect(said).to.deep.equal([]);
    });
  });

  /** Enough of everything that there is: many apps are alike, and many disks. */
  const named = places.filter(
    (keys) =>
      !keys.some(isIndex) &&
      !/^apps\.(?!jellyfin|plex|recyclarr|overseerr|ollama|open-webui)|\.(sas|nvme|optane)-[2-9]/.test(text(keys)),
  );
  const groups = (value: object, but: string) =>
    Object.keys(value).filter((key) => {
      const found = (value as Record<string, unknown>)[key];
      return key !== but && typeof found === "object" && found !== null && !Array.isArray(found);
    });

  const moves: Readonly<Record<string, (keys: Keys) => Keys[]>> = {
    "has a name that nobody knows": (keys) => [[...keys.slice(0, -1), `${last(keys)}X_`]],
    "stands one level too high": (keys) => (keys.length > 2 ? [[...keys.slice(0, -2), last(keys)]] : []),
    "stands one level too deep, in the group before it or the one behind": (keys) => {
      const all = Object.keys(holderOf(home, keys));
      const at = (key: string) => all.indexOf(key) - all.indexOf(last(keys));
      const beside = groups(holderOf(home, keys), last(keys)).sort((one, other) => at(one) - at(other));
      const near = [beside.findLast((key) => at(key) < 0), beside.find((key) => at(key) > 0)];
      return near.flatMap((key) => (key === undefined ? [] : [[...keys.slice(0, -1), key, last(keys)]]));
    },
  };
  for (const [title, destinations] of Object.entries(moves)) {
    it(`where something ${title}`, () => {
      const said = named.flatMap((keys) =>
        destinations(keys).flatMap((to) =>
          spurious([keys, to], (config) => {
            const holder = holderOf(config, keys);
            const value = holder[last(keys)];
            delete holder[last(keys)];
            holderOf(config, to)[last(to)] = value;
          }),
        ),
      );
      expect(said).to.deep.equal([]);
    });
  }
});

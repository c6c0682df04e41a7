import { expect } from "chai";
import { z } from "zod";
import { ifReadable, ofEach, ofRules, WRONG } from "../../config/readable";
import { unknownKeys } from "../../config/schema-keys";
import { MISNAMED, tolerant } from "../../config/tolerant";

const name = z.string().regex(/^[a-z0-9-]+$/);

const room = z.strictObject({
  floor: z.int(),
  lamps: z.int().default(1),
  colour: z.string().optional(),
  hasStairs: z.boolean().optional(),
});

const door = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("glass"), thickness: z.int() }),
  z.strictObject({ kind: z.literal("wood"), tree: z.string() }),
]);

const lock = z.union([
  z.strictObject({ key: z.string(), width: z.int() }),
  z.strictObject({ code: z.literal(true), width: z.int() }),
]);

const house = z.strictObject({
  rooms: z.record(name, room).default({}),
  doors: z.record(name, door).default({}),
  locks: z.record(name, lock).default({}),
  guests: z.array(z.string()).min(2).default(["ann", "bob"]),
  garden: z
    .strictObject({
      trees: z.int(),
      colour: z.string().optional(),
      pond: z.strictObject({ depth: z.int().default(1), colour: z.string().optional() }).optional(),
    })
    .optional(),
  span: z
    .strictObject({ from: z.int(), to: z.int() })
    .refine(({ from, to }) => from < to)
    .optional(),
  motto: z.string().nullable().default(null),
  signs: z.record(name, z.string()).default({}),
  notes: z.record(name, z.unknown()).default({}),
});

/** A house of which some parts are wrong, as its rules see it. */
const seen = (value: unknown, own: unknown = value) => tolerant(house, value, own) as any;

/** What a rule reads; undefined if it is left out. */
const read = <T>(rule: () => T): T | undefined => ifReadable(() => [rule()])[0];
const isLeftOut = (rule: () => unknown) => ifReadable(() => [rule()]).length === 0;

describe("a value that is wrong in places", () => {
  it("is the schema's own result where it is sound, defaults and all", () => {
    const { rooms, guests, motto } = seen({ rooms: { hall: { floor: 0 }, loft: { floor: "top" } } });
    expect(rooms.hall).to.deep.equal({ floor: 0, lamps: 1 });
    expect(rooms.loft.lamps).to.equal(1);
    expect("colour" in rooms.loft).to.equal(false);
    expect(guests).to.deep.equal(["ann", "bob"]);
    expect(motto).to.equal(null);
    expect(seen({ rooms: { hall: { floor: 0 } } })).to.deep.equal(house.parse({ rooms: { hall: { floor: 0 } } }));
  });

  it("ends every rule that reads what is wrong, in whatever way it does", () => {
    const { rooms } = seen({ rooms: { hall: { floor: "low" }, loft: 5 } });
    const rules: (() => unknown)[] = [
      () => rooms.hall.floor,
      () => {
        const { floor } = rooms.hall;
        return floor as unknown;
      },
      () => ({ ...rooms.hall }),
      () => ({ ...rooms }),
      () => Object.entries(rooms.hall),
      () => Object.entries(rooms),
      () => Object.values(rooms),
      () => Object.assign({}, rooms),
      () => "floor" in rooms.hall,
      () => Object.hasOwn(rooms.hall, "floor"),
      () => JSON.stringify(rooms),
      () => JSON.stringify(rooms.hall),
      () => structuredClone({ ...rooms }),
    ];
    expect(rules.filter((rule) => !isLeftOut(rule)).map(String)).to.deep.equal([]);
  });

  it("ends a rule at a key that is missing and has no default", () => {
    expect(isLeftOut(() => seen({ rooms: { hall: {} } }).rooms.hall.floor)).to.equal(true);
    expect(isLeftOut(() => "floor" in seen({ rooms: { hall: {} } }).rooms.hall)).to.equal(true);
  });

  it("keeps the names of a record's entries, for they are not what is wrong", () => {
    const { rooms } = seen({ rooms: { hall: 5, loft: { floor: 2 } } });
    expect(Object.keys(rooms)).to.deep.equal(["hall", "loft"]);
    expect(Object.hasOwn(rooms, "hall")).to.equal(true);
    expect(rooms.cellar).to.equal(undefined);
  });

  it("keeps the length of a list, and the entries that are sound", () => {
    const { guests } = seen({ guests: ["ann", 5, "cid"] });
    expect(Array.isArray(guests)).to.equal(true);
    expect(guests).to.have.lengthOf(3);
    expect([guests[0], guests[2]]).to.deep.equal(["ann", "cid"]);
    for (const rule of [
      () => [...guests],
      () => guests.includes("cid"),
      () => guests.map(String),
      () => guests.join(),
    ]) {
      expect(isLeftOut(rule), String(rule)).to.equal(true);
    }
  });

  it("is unreadable as a whole where it is no group, no list, or too short", () => {
    for (const wrong of [{ rooms: [] }, { rooms: null }, { rooms: "hall" }]) {
      expect(isLeftOut(() => seen(wrong).rooms)).to.equal(true);
    }
    for (const guests of [["ann"], [5], {}, "ann"]) {
      expect(isLeftOut(() => seen({ guests }).guests)).to.equal(true);
    }
    expect(seen("a house")).to.equal(WRONG);
  });

  it("is unreadable as a whole where a rule of the schema is about several of its parts", () => {
    expect(isLeftOut(() => seen({ span: { from: 5, to: 1 } }).span)).to.equal(true);
    expect(isLeftOut(() => seen({ span: { from: 5, to: "far" } }).span)).to.equal(true);
    const few = (value: object) => Object.keys(value).length < 9;
    for (const schema of [
      z.record(name, z.int()).refine(few),
      z.array(z.int()).refine(few),
      z.record(z.enum(["a", "b"]), z.int()),
    ]) {
      expect(tolerant(schema, schema instanceof z.ZodArray ? [1, "x"] : { a: 1, b: "x" })).to.equal(WRONG);
    }
  });

  it("looks through optional, default and nullable", () => {
    expect(read(() => seen({ garden: { trees: 3, pond: { depth: "deep" } } }).garden.trees)).to.equal(3);
    expect(isLeftOut(() => seen({ garden: { trees: 3, pond: { depth: "deep" } } }).garden.pond.depth)).to.equal(true);
    expect(isLeftOut(() => seen({ motto: 5 }).motto)).to.equal(true);
  });

  it("cannot be changed", () => {
    const { rooms } = seen({ rooms: { hall: { floor: "low", lamps: 2 } } });
    for (const change of [
      () => (rooms.hall.lamps = 3),
      () => (rooms.attic = {}),
      () => delete rooms.hall.lamps,
      () => Object.defineProperty(rooms.hall, "lamps", { value: 3 }),
    ]) {
      expect(change).to.throw(TypeError);
    }
    expect(rooms.hall.lamps).to.equal(2);
  });

  it("leaves its input alone", () => {
    const input = { rooms: { hall: { floor: "low", pink: true } } };
    seen(input);
    expect(input).to.deep.equal({ rooms: { hall: { floor: "low", pink: true } } });
    expect(Object.isFrozen(input.rooms)).to.equal(false);
  });

  describe("with a wrong name among a record's", () => {
    for (const [title, rooms] of [
      ["that the schema refuses", { hall: { floor: 1 }, "The Loft": { floor: 2 } }],
      ["that only the program knows to be wrong", { hall: { floor: 1 }, lofft: MISNAMED }],
    ] as const) {
      it(`${title}, nobody can ask for a name that is not there, nor for all of them`, () => {
        const view = seen({ rooms }).rooms;
        expect(view.hall.floor).to.equal(1);
        expect("hall" in view).to.equal(true);
        expect(Object.hasOwn(view, "hall")).to.equal(true);
        const open: (() => unknown)[] = [
          () => view.loft,
          () => "loft" in view,
          () => Object.hasOwn(view, "loft"),
          () => Object.keys(view),
          () => Object.entries(view),
          () => ({ ...view }),
          () => {
            for (const key in view) {
              return key;
            }
            return undefined;
          },
        ];
        expect(open.filter((rule) => !isLeftOut(rule)).map(String)).to.deep.equal([]);
        expect(ofEach(view, (_, key) => [key])).to.deep.equal(["hall"]);
      });
    }

    it("has no other prototype, though the name is __proto__", () => {
      const { rooms } = seen({ rooms: JSON.parse('{"__proto__": {"floor": 7}, "hall": {"floor": "x"}}') });
      expect(Object.keys(rooms)).to.deep.equal(["hall"]);
      expect(rooms.floor).to.equal(undefined);
    });
  });

  describe("of which there are several kinds", () => {
    it("is read as the kind that its fixed word says", () => {
      const { doors } = seen({ doors: { front: { kind: "glass", thickness: "thick" } } });
      expect(doors.front.kind).to.equal("glass");
      expect(isLeftOut(() => doors.front.thickness)).to.equal(true);
    });

    it("is read as the one kind that has all of its keys", () => {
      const { locks } = seen({ locks: { front: { key: "steel", width: "wide" }, back: { code: "yes", width: 5 } } });
      expect(locks.front.key).to.equal("steel");
      expect("code" in locks.front).to.equal(false);
      expect(isLeftOut(() => locks.front.width)).to.equal(true);
      expect(locks.back.width).to.equal(5);
      expect(isLeftOut(() => "code" in locks.back)).to.equal(true);
    });

    it("is unreadable as a whole as long as it is open which is meant", () => {
      const doors = { a: { thickness: 5 }, b: { kind: "paper" } };
      const locks = { a: { width: 5 }, b: { key: "x", code: true, width: 5 }, c: { kez: "x", width: 5 } };
      for (const [part, key] of [
        ["doors", "a"],
        ["doors", "b"],
        ["locks", "a"],
        ["locks", "b"],
        ["locks", "c"],
      ]) {
        expect(
          isLeftOut(() => seen({ doors, locks })[part][key]),
          `${part}.${key}`,
        ).to.equal(true);
      }
    });
  });

  describe("with a key that nobody knows", () => {
    it("leaves open all that is missing beside it, defaults and all, and nothing else", () => {
      const { rooms } = seen({ rooms: { hall: { floor: 1, lampz: 3 }, loft: { floor: 2 } } });
      expect(rooms.hall.floor).to.equal(1);
      for (const rule of [() => rooms.hall.lamps, () => rooms.hall.colour, () => "colour" in rooms.hall]) {
        expect(isLeftOut(rule), String(rule)).to.equal(true);
      }
      expect(rooms.loft.lamps).to.equal(1);
      expect(Object.keys(rooms)).to.deep.equal(["hall", "loft"]);
    });

    it("leaves open what the program added beside it, for the author may have meant that", () => {
      const { rooms } = seen({ rooms: { hall: { floor: 1, lamps: 4, lampz: 3 } } }, { rooms: { hall: { lampz: 3 } } });
      expect(isLeftOut(() => rooms.hall.lamps)).to.equal(true);
    });

    it("leaves open what may have slipped out of a group", () => {
      const { garden } = seen({ garden: { trees: 1, depth: 3, pond: {} } });
      expect(isLeftOut(() => garden.pond.depth)).to.equal(true);
      const { rooms } = seen({ rooms: {}, hall: { floor: 1 } });
      expect(isLeftOut(() => Object.keys(rooms))).to.equal(true);
      expect(isLeftOut(() => rooms.hall)).to.equal(true);
    });

    it("leaves open what may have slipped out of a record, complete or not, if it has the form of an entry", () => {
      const isOpen = (value: object, key: string) =>
        isLeftOut(() => Object.keys(seen({ rooms: {}, signs: {}, notes: {}, ...value })[key]));
      expect(isOpen({ hall: { lamps: 2 } }, "rooms")).to.equal(true);
      expect(isOpen({ gate: "Beware" }, "signs")).to.equal(true);
      expect(isOpen({ hall: {} }, "rooms")).to.equal(false);
      expect(isOpen({ hall: { size: 2 } }, "rooms")).to.equal(false);
      expect(isOpen({ "The Hall": { floor: 2 } }, "rooms")).to.equal(false);
      expect(isOpen({ gate: 5 }, "signs")).to.equal(false);
      expect(isOpen({ gate: 5 }, "notes")).to.equal(false);
    });

    it("leaves open what may have slipped into a group", () => {
      const view = seen({ rooms: { hall: { floor: 1, garden: { trees: 1 }, loft: { floor: 2 } } } });
      expect(isLeftOut(() => view.garden)).to.equal(true);
      expect(isLeftOut(() => view.rooms.loft)).to.equal(true);
      expect(view.rooms.hall.floor).to.equal(1);
    });

    it("leaves open what may have slipped between the entries of a record", () => {
      const { locks } = seen({ locks: { front: { key: "x", width: 1 }, width: 5 } });
      expect(locks.front.width).to.equal(1);
      const { rooms } = seen({ rooms: { hall: { floor: 1 }, loft: { floor: 2, lamps: 2 }, lamps: 3, colour: "red" } });
      expect(isLeftOut(() => rooms.hall.lamps)).to.equal(true);
      expect(isLeftOut(() => rooms.loft.colour)).to.equal(true);
      expect(rooms.loft.lamps).to.equal(2);
      const { hall } = seen({ rooms: { hall: { floor: "x" }, lamps: 3, hasStairs: true } }).rooms;
      expect([() => hall.lamps, () => hall.hasStairs].map(isLeftOut)).to.deep.equal([true, true]);
    });

    it("leaves open what may be the group around it", () => {
      const view = seen({ rooms: { hall: { floor: 1 }, garden: { trees: 1 } } });
      expect(isLeftOut(() => view.garden)).to.equal(true);
      expect(view.rooms.hall.floor).to.equal(1);
    });

    it("is not what bears the name of a wrong value elsewhere", () => {
      const { garden } = seen({ garden: { trees: 1, pond: { colour: 5 } } });
      expect(garden.colour).to.equal(undefined);
    });

    it("has no say in a record whose entries look otherwise", () => {
      const { doors, rooms } = seen({ rooms: { hall: { floor: 1, porch: { size: 3 } } }, doors: {} });
      expect(Object.keys(doors)).to.deep.equal([]);
      expect(Object.keys(rooms)).to.deep.equal(["hall"]);
    });
  });
});

describe("keys that nobody knows, where there are several kinds of group", () => {
  it("are those that none of the kinds knows, in the group itself", () => {
    const frame = z.strictObject({});
    const kinds = z.union([z.strictObject({ a: z.int(), frame }), z.strictObject({ b: z.int(), frame })]);
    const unknown = (value: unknown) => kinds.safeParse(value).error?.issues.flatMap(unknownKeys);
    expect(unknown({ a: 1, b: 2, c: 3, frame: {} })).to.deep.equal(["c"]);
    expect(unknown({ a: "x", frame: { c: 3 } })).to.deep.equal([]);
  });
});

describe("rules over a value that is wrong in places", () => {
  const { rooms, guests } = seen({
    rooms: { a: { floor: 1 }, b: { floor: "x" }, c: 5, d: { floor: 4 } },
    guests: ["ann", 5],
  });

  it("judge each entry by itself, of groups and of lists", () => {
    expect(ofEach(rooms, ({ floor }: any, key) => [`${key}${floor}`])).to.deep.equal(["a1", "d4"]);
    expect(ofEach(guests as string[], (guest, index) => [`${index}${guest}`])).to.deep.equal(["0ann"]);
    expect(ofEach({ one: 1, two: 2 }, (value, key) => [key, value])).to.deep.equal(["one", 1, "two", 2]);
  });

  it("are left out one by one", () => {
    expect(
      ofRules(
        () => ["first"],
        () => [rooms.b.floor],
        () => ["last", rooms.d.floor],
      ),
    ).to.deep.equal(["first", "last", 4]);
  });

  it("may still fail for another reason", () => {
    const broken = () => {
      throw new Error("a fault of ours");
    };
    expect(() => ifReadable(broken)).to.throw("a fault of ours");
    expect(() => ofEach({ one: 1 }, broken)).to.throw("a fault of ours");
    expect(() => ofRules(broken)).to.throw("a fault of ours");
  });
});

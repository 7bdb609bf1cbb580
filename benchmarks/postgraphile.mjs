// PostGraphile over the tables that slrt-api serves, as its documentation advises for production:
// `node postgraphile.mjs FD`, PEER_* from the environment. Writes its port to the descriptor.
import { writeSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

// Its packages stand in a folder that is made for the run, not beside this file.
const need = createRequire(process.env.PEER_PACKAGES);
const { postgraphile } = need("postgraphile");
const { PostGraphileAmberPreset } = need("postgraphile/presets/amber");
const { makePgService } = need("postgraphile/adaptors/pg");
const { grafserv } = need("postgraphile/grafserv/node");
const { jsonPgSmartTags } = need("postgraphile/utils");
const { Pool } = need("pg");

const size = Number(process.env.PEER_POOL_SIZE);
const settings = JSON.parse(process.env.PEER_SETTINGS);
const pool = new Pool({
  connectionString: process.env.PEER_DATABASE_URL,
  min: size,
  max: size,
  idleTimeoutMillis: 0,
  statement_timeout: Number(process.env.PEER_STATEMENT_TIMEOUT_MS),
});
pool.on("error", (error) => console.error(error));

// `identities.owner_id` is a person's or a household's, so no foreign key of the database tells of it.
const relations = jsonPgSmartTags({
  version: 1,
  config: {
    class: {
      identities: {
        tags: {
          foreignKey: [
            "(regency, owner_id) references persons (regency, id)|@foreignFieldName numbers",
            "(regency, owner_id) references households (regency, id)|@foreignFieldName numbers",
          ],
        },
      },
    },
  },
});

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  plugins: [relations],
  gather: { installWatchFixtures: false },
  // The question names columns without an index of their own (`valid_to`).
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  // Plain lists instead of connections: less to answer for the same rows.
  schema: { defaultBehavior: "-connection +list" },
  pgServices: [makePgService({ pool, schemas: ["public"] })],
  grafast: {
    explain: false,
    context: { pgSettings: settings },
  },
  grafserv: {
    graphqlPath: "/graphql",
    graphiql: false,
    graphqlOverGET: false,
    watch: false,
    websockets: false,
    outputDataAsString: process.env.PEER_STRING !== "0",
  },
});

// The schema is built, and every connection open, before anything is measured.
const schema = await instance.getSchema();
if (process.env.PEER_PRINT) { const { printSchema } = need("graphql"); console.log(printSchema(schema)); }
const open = await Promise.all(Array.from({ length: size }, () => pool.connect()));
open.forEach((client) => client.release());

const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(0, "127.0.0.1", () => writeSync(Number(process.argv[2]), `${server.address().port}\n`));
process.on("SIGTERM", () => process.exit(0));

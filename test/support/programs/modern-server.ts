/** The demo's tools over stdio, in both eras, on the official SDK. */
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createDemoServer } from '../../../src/demo/tools.ts';

serveStdio(() => createDemoServer(async () => undefined));

/** Where the programs thread begins: the servers that speak stdio, apart from the threads that serve. */
import { parentPort, workerData } from 'node:worker_threads';
import { attend } from './attend.ts';

if (parentPort === null) throw new Error('this thread is no programs thread');
await attend(parentPort, workerData);

/** `make test-stack`, first step: ends with 1 and says the cure where there is no Docker engine. */
import { requireDocker } from './docker.ts';

try {
  await requireDocker();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

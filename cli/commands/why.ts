/** `skiff why POD` and `skiff why-not POD NODE`: what the scheduler thought of a pod, and of its nodes. */

import type { Command } from 'commander';
import type { PodExplanation } from '../../proto/scheduler/explanation.ts';
import { explainNode, explainPod } from '../printers/explanation.ts';
import { findPod } from '../resources/find-pod.ts';
import { askScheduler, type SchedulerFlags } from '../scheduler/ask-scheduler.ts';
import { CliUsageError, type Session } from '../session.ts';
import type { Runner } from './program.ts';

interface WhyFlags extends SchedulerFlags {
  readonly output?: string;
  readonly limit: string;
}

/** Nodes that a person reads. */
const LIMIT_DEFAULT = '10';
/** More than any cluster has. */
const LIMIT_ALL = '999999';

export function addWhy(program: Command, run: Runner): void {
  const withFlags = (command: Command): Command =>
    command
      .option('-o, --output <format>', 'json: everything')
      .option('--scheduler <url>', "where the scheduler answers (default: the API server's host)");
  withFlags(program.command('why <pod>'))
    .description('why a pod is on its node, or on none, and what would help')
    .option('--limit <nodes>', 'how many nodes are shown', LIMIT_DEFAULT)
    .action(run((session, pod: string, flags: WhyFlags) => why(session, pod, flags)));
  withFlags(program.command('why-not <pod> <node>'))
    .description('why a pod is not on this node')
    .action(
      run((session, pod: string, node: string, flags: WhyFlags) =>
        whyNot(session, pod, node, flags),
      ),
    );
}

async function why(session: Session, target: string, flags: WhyFlags): Promise<void> {
  const isJson = wantsJson(flags);
  if (!/^\d{1,6}$/.test(flags.limit)) {
    throw new CliUsageError(`--limit must be a number, not "${flags.limit}"`);
  }
  const limit = isJson && flags.limit === LIMIT_DEFAULT ? LIMIT_ALL : flags.limit;
  const explanation = await explain(session, target, `limit=${limit}`, flags);
  session.out(isJson ? `${JSON.stringify(explanation, null, 2)}\n` : explainPod(explanation));
}

async function whyNot(
  session: Session,
  target: string,
  node: string,
  flags: WhyFlags,
): Promise<void> {
  const isJson = wantsJson(flags);
  const query = `limit=1&node=${encodeURIComponent(node)}`;
  const explanation = await explain(session, target, query, flags);
  if (!explanation.nodes.some(({ name }) => name === node)) {
    throw new CliUsageError(`there is no node "${node}": see "skiff get nodes"`);
  }
  session.out(
    isJson ? `${JSON.stringify(explanation, null, 2)}\n` : explainNode(explanation, node),
  );
}

function wantsJson({ output }: WhyFlags): boolean {
  if (output === undefined || output === 'json') return output === 'json';
  throw new CliUsageError(`-o ${output} is not supported: use json`);
}

async function explain(
  session: Session,
  target: string,
  query: string,
  flags: WhyFlags,
): Promise<PodExplanation> {
  const { metadata } = await findPod(session, target);
  const { namespace = 'default', name } = metadata;
  const path = `/explain/v1/namespaces/${namespace}/pods/${name}?${query}`;
  // The scheduler is of the same version: the launcher that asks has started it.
  return (await askScheduler(session, path, flags)) as PodExplanation;
}

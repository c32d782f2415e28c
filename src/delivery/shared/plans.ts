/** Gives the plan of a profile: the same profile object gives the same plan, and no profile the adapter's own. */
export type PlanOf<Plan> = (profile: object | undefined) => Plan;

/**
 * Plans made once per profile object: parsing one is dear, and a fleet shares few.
 * @param own of the adapter's options alone
 */
export function remembering<Plan, Given extends object>(own: Plan, compile: (given: Given) => Plan): PlanOf<Plan> {
  const plans = new WeakMap<object, Plan>();
  return (given) => {
    if (given === undefined) return own;
    const known = plans.get(given);
    if (known !== undefined) return known;
    const plan = compile(given as Given);
    plans.set(given, plan);
    return plan;
  };
}

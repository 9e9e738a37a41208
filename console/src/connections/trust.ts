import { useSettings } from '../api/lists'
import type { schemas } from '../api/types'
import { useMay } from '../auth/session'

type Policies = Pick<schemas['Connection'], 'host_key_policy' | 'tls_cert_policy'>

/** What a connection accepts without looking, if anything (specification 6.7 and 6.3.2). */
export function insecureTrust({ host_key_policy, tls_cert_policy }: Policies): 'host key' | 'certificate' | undefined {
  if (host_key_policy === 'always_trust') return 'host key'
  return tls_cert_policy === 'insecure' ? 'certificate' : undefined
}

/** The settings that decide who may trust whom. Until they are known, only admins may. */
export function useTrustRules() {
  const admin = useMay('admin')
  const operator = useMay('operator')
  const settings = useSettings()
  const flag = (key: string, otherwise: boolean) => {
    const value = settings.data?.find((setting) => setting.key === key)?.value
    return typeof value === 'boolean' ? value : otherwise
  }
  return {
    fips: flag('security.fips_mode_enabled', false),
    mayApprove: admin || (operator && !flag('security.host_key_approval_require_admin', true)),
    mayTrustBlindly: admin || (operator && !flag('security.insecure_trust_require_admin', true)),
    admin,
  }
}

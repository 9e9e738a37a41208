import { Page } from '../ui/Page'

export default function JobPage() {
  return <Page title="Job">{null}</Page>
}

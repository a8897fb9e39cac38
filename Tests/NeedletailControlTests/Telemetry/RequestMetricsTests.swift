import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailControl

@Suite("Metrics: what is counted of requests and attempts")
struct RequestMetricsTests {
    private let registry = MetricRegistry()

    private func text(_ tell: (RequestMetrics) -> Void, capacity: Int = 10) -> String {
        tell(RequestMetrics(self.registry, capacity: capacity))
        return String(buffer: MetricExposition.text(self.registry.read(), .prometheus))
    }

    @Test("a call that went well")
    func attempt() {
        let record = RecordSamples.attempt(cause: .failover)
        record.cost.set(picoDollars: 1_500_000)
        let text = self.text { $0.attemptEnded(record) }
        let plain = #"{provider="main",model="gpt"}"#
        let standard =
            #"gen_ai_operation_name="chat",gen_ai_provider_name="main",gen_ai_request_model="gpt""#
        for line in [
            "provider_request_total\(plain) 1", "provider_request_duration_seconds_sum\(plain) 0.1",
            "needletail_cost_dollars_total\(plain) 0.0000015",
            #"gen_ai_client_token_usage_sum{\#(standard),gen_ai_token_type="input"} 12"#,
            #"gen_ai_client_token_usage_sum{\#(standard),gen_ai_token_type="output"} 34"#,
            #"gen_ai_client_token_usage_bucket{\#(standard),gen_ai_token_type="input",le="4"} 0"#,
            #"gen_ai_client_token_usage_bucket{\#(standard),gen_ai_token_type="input",le="16"} 1"#,
            #"gen_ai_client_operation_duration_seconds_count{\#(standard)} 1"#,
            #"needletail_attempts_total{provider="main",model="gpt",cause="failover"} 1"#,
            #"needletail_tokens_total{provider="main",model="gpt",type="cached_input"} 5"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line) is not in\n\(text)")
        }
        #expect(!text.contains("provider_error_total"))
    }

    @Test("a call that failed is an error of its class, one that was not sent is nothing")
    func failure() {
        let text = self.text { metrics in
            let error = NeedletailError(.rateLimited, "Slow down.")
            metrics.attemptEnded(RecordSamples.attempt(error: error))
            metrics.attemptEnded(RecordSamples.attempt(error: NeedletailError(.timedOut, "Late.")))
            metrics.attemptEnded(RecordSamples.attempt(wasSent: false, error: NeedletailError(.unsupported, "No.")))
        }
        #expect(text.contains(#"provider_request_total{provider="main",model="gpt"} 2"#))
        #expect(text.contains(#"provider_error_total{provider="main",model="gpt",error_type="rate_limited"} 1"#))
        #expect(text.contains(#"provider_error_total{provider="main",model="gpt",error_type="timed_out"} 1"#))
        #expect(text.contains(#"gen_ai_request_model="gpt",error_type="timed_out"} 1"#))
        #expect(!text.contains("unsupported"))
    }

    @Test("a request by how it ended, and by its key")
    func request() {
        let text = self.text { metrics in
            metrics.requestEnded(RecordSamples.request(isStreaming: true))
            metrics.requestEnded(RecordSamples.request(losses: [Loss("seed", "It has none.")]))
            metrics.requestEnded(
                RecordSamples.request(losses: [Loss("metrics", "Of no use.", isBookkeeping: true)]))
            metrics.requestEnded(
                RecordSamples.request(error: NeedletailError(.overloaded, "Full.", provider: "main")))
        }
        let start = #"needletail_requests_total{surface="chat",operation="chat",model="asked",provider="main","#
        for line in [
            start + #"status="200",outcome="success",stream="true"} 1"#,
            start + #"status="200",outcome="success",stream="false"} 2"#,
            start + #"status="503",outcome="error",stream="false"} 1"#,
            #"needletail_key_requests_total{key="dev",tenant="red"} 4"#,
            #"needletail_key_failed_requests_total{key="dev",tenant="red"} 1"#,
            #"needletail_key_tokens_total{key="dev",tenant="red",type="output"} 102"#,
            "needletail_lossy_replies_total 1", "needletail_overhead_seconds_sum 0.0006",
            // 120 ms less 21 ms for 33 tokens.
            #"gen_ai_server_time_per_output_token_seconds_sum{gen_ai_operation_name="chat",gen_ai_provider_name="main",gen_ai_request_model="asked"} 0.003"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line) is not in\n\(text)")
        }
    }

    @Test("names that lead nowhere are one name, and too many names are another")
    func bounds() {
        let text = self.text(
            { metrics in
                for index in 0..<50 {
                    let error = NeedletailError(.notFound, "No.")
                    metrics.requestEnded(RecordSamples.request(model: "made-up-\(index)", error: error))
                    metrics.attemptEnded(RecordSamples.attempt(model: "real-\(index)"))
                }
            }, capacity: 5)
        #expect(text.contains(#"model="unknown",provider="none",status="404",outcome="error",stream="false"} 50"#))
        #expect(!text.contains("made-up"))
        #expect(text.contains(#"provider_request_total{provider="main",model="other"} 45"#))
    }

    @Test("a refusal by its reason")
    func refusal() {
        let text = self.text {
            $0.requestRefused(
                RefusalRecord(
                    requestID: "r", surface: .anthropicMessages, status: 401,
                    error: NeedletailError(.unauthorized, "No.")))
        }
        #expect(
            text.contains(
                #"needletail_refusals_total{surface="messages",status="401",error_type="unauthorized"} 1"#))
    }
}

#!/usr/bin/perl
# http_stub.pl MODE [HOST:PORT]: what may stand between a laptop and the server, on loopback.
#   portal     a login page, as a hotel's network shows it     redirect   sends to such a page
#   rubbish    our content type around noise                   hold       takes the request, says nothing
#   busy       503                                             tangle     a status line that is none
#   sign-in    511, as a network's gate says it                proxy      407, as a proxy that wants a password says it
#   gateway    502                                             late       504
#   cut N      the server's true reply, but only N thousandths of it
#   stall N    the same, and then silence instead of an end
#   flip       the true reply with one bit turned, each time elsewhere
use strict;
use warnings;
use IO::Socket::INET;

$SIG{PIPE} = 'IGNORE';
$SIG{ALRM} = sub { exit 1 };
alarm 300;
$| = 1;
my ($mode, @rest) = @ARGV;
my $part = $mode =~ /^(cut|stall)$/ ? shift @rest : 0;
my @stalled;
my $upstream = shift @rest;
my $door = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1', Proto => 'tcp') or die "listen: $!";
print 'listening on http://127.0.0.1:', $door->sockport, "\n";

sub request {    # headers and body as they came
	my ($link) = @_;
	my $all = '';
	while ($all !~ /\r\n\r\n/) { sysread($link, $all, 65536, length $all) or return; }
	my ($head) = $all =~ /^(.*?\r\n\r\n)/s;
	my ($length) = $head =~ /^content-length: *(\d+)/im;
	syswrite $link, "HTTP/1.1 100 Continue\r\n\r\n" if $head =~ /^expect: *100-continue/im;
	while (length($all) < length($head) + ($length // 0)) {
		sysread($link, $all, 65536, length $all) or return;
	}
	return $all;
}

sub true_reply {
	my ($all) = @_;
	$all =~ s/\r\nexpect:[^\r]*//i;
	$all =~ s/\r\n\r\n/\r\nConnection: close\r\n\r\n/;
	my $server = IO::Socket::INET->new(PeerAddr => $upstream, Proto => 'tcp') or return '';
	print $server $all;
	$server->flush;
	my $reply = '';
	1 while sysread $server, $reply, 65536, length $reply;
	return $reply;
}

my $page = '<!DOCTYPE html><title>Wi-Fi</title><form method=post>Mời đăng nhập <input name=user></form>';
my %canned = (
	portal => "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n",
	redirect => "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/login\r\nContent-Type: text/html\r\n",
	'sign-in' => "HTTP/1.1 511 Network Authentication Required\r\nContent-Type: text/html\r\n",
	proxy => "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\nContent-Type: text/html\r\n",
	gateway => "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n",
	late => "HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/html\r\n",
	busy => "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n",
	tangle => "HTTQ/9 yes\r\n",
);
my $turn = 0;
while (my $link = $door->accept) {
	my $all = request($link);
	next unless defined $all;
	if ($mode eq 'hold') {
		print "asked\n";
		sleep 300;
	} elsif ($canned{$mode}) {
		print $link $canned{$mode}, 'Content-Length: ', length $page, "\r\nConnection: close\r\n\r\n", $page;
	} elsif ($mode eq 'rubbish') {
		my $noise = join '', map { chr(($_ * 151 + 7) % 256) } 1 .. 700;
		print $link "HTTP/1.1 200 OK\r\nContent-Type: application/x-field\r\nContent-Length: 700\r\n",
			"Connection: close\r\n\r\n", $noise;
	} else {
		my $reply = true_reply($all);
		my $begin = index($reply, "\r\n\r\n") + 4;
		if ($mode eq 'cut' || $mode eq 'stall') {
			$reply = substr $reply, 0, $begin + int((length($reply) - $begin) * $part / 1000);
		} elsif (length($reply) > $begin) {
			my $part = 0.618034 * ++$turn;
			my $at = $begin + int((length($reply) - $begin) * ($part - int $part));
			substr($reply, $at, 1) = chr(ord(substr $reply, $at, 1) ^ (1 << $turn % 8));
		}
		print $link $reply;
		$link->flush;
		if ($mode eq 'stall') {
			push @stalled, $link;
			next;
		}
	}
	close $link;
}

#!/usr/bin/perl
# A real server: answers HTTP on a TCP port with its name, and echoes it to UDP datagrams.
# `server.pl NAME ADDRESS PORT` answers 500 as long as the file /tmp/sick-NAME exists, and takes
# connections one after the other, closing each.
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;

my ($name, $address, $port) = @ARGV;
my %where = (LocalHost => $address, LocalPort => $port, ReuseAddr => 1);
my $tcp = IO::Socket::IP->new(%where, Proto => "tcp", Listen => 128) or die "tcp: $@";
my $udp = IO::Socket::IP->new(%where, Proto => "udp") or die "udp: $@";
my $select = IO::Select->new($tcp, $udp);
$SIG{PIPE} = "IGNORE";

while (my @ready = $select->can_read) {
    for my $socket (@ready) {
        if ($socket == $udp) {
            my $peer = $udp->recv(my $text, 2048);
            $udp->send($name, 0, $peer) if defined $peer;
            next;
        }
        my $client = $tcp->accept or next;
        # Whoever only connects must not hold the others up.
        $client->timeout(1);
        my $wait = IO::Select->new($client);
        my $request = "";
        while ($request !~ /\r\n\r\n/ && $wait->can_read(1)) {
            last unless sysread $client, $request, 4096, length $request;
        }
        my $status = -e "/tmp/sick-$name" ? "500 Sick" : "200 OK";
        my $body = "$name\n";
        my $length = length $body;
        syswrite $client, "HTTP/1.0 $status\r\nContent-Length: $length\r\n\r\n$body";
        close $client;
    }
}
